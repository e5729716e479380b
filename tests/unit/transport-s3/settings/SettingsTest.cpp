#include "Support.h"
#include "settings/Settings.h"
#include "settings/Url.h"

namespace litestream::s3 {

namespace {

using Texts = std::map<std::string, std::string>;

Settings from(Texts texts) {
    texts.try_emplace("bucket", "space");
    return settingsFrom(optionsOf(texts), environmentOf({}));
}

Settings fromUrl(const std::string& url, const Texts& texts = {}) {
    OptionValues options = parseReplicaUrl(url).options;
    for (const auto& [name, text] : texts) options.set(name, text);
    return settingsFrom(options, environmentOf({}));
}

/// "https://HOST:PORT/BASE/": where requests go.
std::string placeOf(const Settings& settings) {
    const Place place = settings.place(settings.region.empty() ? "us-east-1" : settings.region);
    return (place.origin.tls ? "https://" : "http://") + place.origin.host + ":" + std::to_string(place.origin.port) +
           place.basePath + "/";
}

struct PlaceRow {
    const char* url;
    Texts options;
    const char* place;
    const char* region;
};

}  // namespace

TEST(Settings, AddressesBuckets) {
    const PlaceRow rows[] = {
        // AWS
        {"s3://space/db", {{"region", "eu-west-1"}}, "https://space.s3.eu-west-1.amazonaws.com:443/", "eu-west-1"},
        {"s3://space/db", {}, "https://space.s3.us-east-1.amazonaws.com:443/", ""},
        {"s3://a.space/db", {{"region", "eu-west-1"}}, "https://s3.eu-west-1.amazonaws.com:443/a.space/", "eu-west-1"},
        {"s3://SPACE/db", {{"region", "eu-west-1"}}, "https://s3.eu-west-1.amazonaws.com:443/SPACE/", "eu-west-1"},
        {"s3://space/db",
         {{"region", "cn-north-1"}},
         "https://space.s3.cn-north-1.amazonaws.com.cn:443/",
         "cn-north-1"},
        {"s3://space/db",
         {{"region", "eu-west-1"}, {"force-path-style", "true"}},
         "https://s3.eu-west-1.amazonaws.com:443/space/",
         "eu-west-1"},
        {"s3://arn:aws:s3:eu-west-1:123:accesspoint/ap",
         {},
         "https://ap-123.s3-accesspoint.eu-west-1.amazonaws.com:443/",
         "eu-west-1"},
        // Spaces
        {"s3://space.nyc3.digitaloceanspaces.com/db", {}, "https://space.nyc3.digitaloceanspaces.com:443/", "nyc3"},
        {"s3://SPACENAME.nyc3.digitaloceanspaces.com/db",
         {},
         "https://nyc3.digitaloceanspaces.com:443/SPACENAME/",
         "nyc3"},
        {"s3://a.space.nyc3.digitaloceanspaces.com/db", {}, "https://nyc3.digitaloceanspaces.com:443/a.space/", "nyc3"},
        {"s3://space.nyc3.digitaloceanspaces.com/db",
         {{"force-path-style", "true"}},
         "https://nyc3.digitaloceanspaces.com:443/space/",
         "nyc3"},
        {"s3://space.nyc3.digitaloceanspaces.com/db?forcePathStyle=true",
         {},
         "https://nyc3.digitaloceanspaces.com:443/space/",
         "nyc3"},
        {"s3://space/db",
         {{"endpoint", "nyc3.digitaloceanspaces.com"}},
         "https://nyc3.digitaloceanspaces.com:443/space/",
         "nyc3"},
        {"s3://space/db",
         {{"endpoint", "nyc3.digitaloceanspaces.com"}, {"force-path-style", "false"}},
         "https://space.nyc3.digitaloceanspaces.com:443/",
         "nyc3"},
        {"s3://space/db",
         {{"endpoint", "nyc3.digitaloceanspaces.com"}, {"region", "us-east-1"}},
         "https://nyc3.digitaloceanspaces.com:443/space/",
         "us-east-1"},
        // An endpoint of the user's own takes the place of the host's, and is addressed by its own rules.
        {"s3://space.nyc3.digitaloceanspaces.com/db",
         {{"endpoint", "http://localhost:9000"}},
         "http://localhost:9000/space/",
         "nyc3"},
        {"s3://space.nyc3.digitaloceanspaces.com/db?endpoint=localhost:9000",
         {},
         "http://localhost:9000/space/",
         "nyc3"},
        // Others
        {"s3://space.s3.eu-1.backblazeb2.com/db", {}, "https://s3.eu-1.backblazeb2.com:443/space/", "eu-1"},
        {"s3://space.s3.filebase.com/db", {}, "https://s3.filebase.com:443/space/", "us-east-1"},
        {"s3://space.s3.fr-par.scw.cloud/db", {}, "https://space.s3.fr-par.scw.cloud:443/", "fr-par"},
        {"s3://space.eu-1.linodeobjects.com/db", {}, "https://eu-1.linodeobjects.com:443/space/", "eu-1"},
        {"s3://space.localhost:9000/db", {}, "http://localhost:9000/space/", "us-east-1"},
        {"s3://space/db?endpoint=x.supabase.co/storage/v1/s3",
         {},
         "https://x.supabase.co:443/storage/v1/s3/space/",
         "us-east-1"},
        {"s3://space/db?endpoint=minio.example.net:9000", {}, "https://minio.example.net:9000/space/", "us-east-1"},
        {"s3://space/db?endpoint=fsn1.your-objectstorage.com",
         {},
         "https://fsn1.your-objectstorage.com:443/space/",
         "us-east-1"},
        {"s3://space/db?endpoint=minio.example.net&forcePathStyle=false",
         {},
         "https://space.minio.example.net:443/",
         "us-east-1"},
        {"s3://space/db",
         {{"endpoint", "127.0.0.1:9000"}, {"force-path-style", "false"}},
         "https://127.0.0.1:9000/space/",
         "us-east-1"},
        {"s3://space/db",
         {{"endpoint", "http://[::1]:9000"}, {"force-path-style", "false"}},
         "http://::1:9000/space/",
         "us-east-1"},
        {"s3://a.space/db",
         {{"endpoint", "http://x.test"}, {"force-path-style", "false"}},
         "http://a.space.x.test:80/",
         "us-east-1"},
        {"s3://a.space/db",
         {{"endpoint", "https://x.test"}, {"force-path-style", "false"}},
         "https://x.test:443/a.space/",
         "us-east-1"},
    };
    for (const PlaceRow& row : rows) {
        const Settings settings = fromUrl(row.url, row.options);
        EXPECT_EQ(placeOf(settings), row.place) << row.url;
        EXPECT_EQ(settings.region, row.region) << row.url;
    }
}

TEST(Settings, BucketNamesThatAreNoHostNamesGoIntoThePath) {
    for (const char* bucket : {"Space", "space_1", "-space", "space-", "ab", "a..b", "1.2.3.4", "sp.ace"}) {
        const Settings settings = from({{"bucket", bucket}, {"region", "eu-west-1"}});
        EXPECT_EQ(settings.addressing, Addressing::Path) << bucket;
    }
    EXPECT_EQ(from({{"bucket", std::string(64, 'a')}}).addressing, Addressing::Path);
    EXPECT_EQ(from({{"bucket", std::string(63, 'a')}}).addressing, Addressing::VirtualHost);
    EXPECT_EQ(from({{"bucket", "my-space-2"}}).addressing, Addressing::VirtualHost);
}

TEST(Settings, AnAccessPointHasNoPathStyle) {
    const std::string arn = "arn:aws:s3:eu-west-1:123:accesspoint/ap";
    for (const Texts& more : {Texts{{"force-path-style", "true"}}, Texts{{"endpoint", "x.test"}}}) {
        Texts texts = more;
        texts["bucket"] = arn;
        EXPECT_TRUE(contains(errorOf([&] { from(texts); }).what(), "Path-style addressing cannot be used with ARN"));
    }
    EXPECT_EQ(from({{"bucket", arn}}).region, "eu-west-1");
    EXPECT_EQ(placeOf(from({{"bucket", arn}, {"endpoint", "x.test"}, {"force-path-style", "false"}})),
              "https://ap-123.x.test:443/");
    EXPECT_TRUE(contains(errorOf([] {
                             from({{"bucket", "arn:aws:s3:::space"}});
                         }).what(),
                         "invalid s3 access point arn"));
}

TEST(Settings, SayWhichBucketIsMissingOrWrong) {
    EXPECT_STREQ(errorOf([] { settingsFrom({}, environmentOf({})); }).what(), "bucket required for s3 replica");
    EXPECT_STREQ(errorOf([] { from({{"bucket", ""}}); }).what(), "bucket required for s3 replica");
    EXPECT_TRUE(contains(errorOf([] { from({{"bucket", "a/b"}}); }).what(), "has a slash"));
}

TEST(Settings, JoinThePathAsUpstreamDoes) {
    EXPECT_EQ(fromUrl("s3://space/a/b/").prefix, "a/b/");
    EXPECT_EQ(fromUrl("s3://space").prefix, "./");
    EXPECT_EQ(fromUrl("s3://space/").prefix, "/");
    EXPECT_EQ(from({}).prefix, "/");
    EXPECT_EQ(from({{"path", "/db"}}).prefix, "/db/");
}

TEST(Settings, KnowWhatProvidersWantDifferently) {
    for (const char* host : {"fly.storage.tigris.dev", "https://t3.storage.dev"}) {
        const Settings settings = from({{"endpoint", host}});
        EXPECT_FALSE(settings.contentMd5) << host;
        ASSERT_EQ(settings.extraHeaders.size(), 1u) << host;
        EXPECT_EQ(settings.extraHeaders[0], (std::pair<std::string, std::string>("X-Tigris-Consistent", "true")));
        EXPECT_TRUE(from({{"endpoint", host}, {"require-content-md5", "true"}}).contentMd5);
    }
    EXPECT_EQ(from({{"endpoint", "https://abc.r2.cloudflarestorage.com"}}).concurrency, 2u);
    EXPECT_EQ(from({{"endpoint", "https://abc.r2.cloudflarestorage.com"}, {"concurrency", "7"}}).concurrency, 7u);
    for (const char* host :
         {"", "nyc3.digitaloceanspaces.com", "s3.eu.backblazeb2.com", "s3.filebase.com", "s3.fr-par.scw.cloud",
          "fsn1.your-objectstorage.com", "x.supabase.co", "minio:9000", "storage.googleapis.com"}) {
        const Settings settings = from({{"endpoint", host}});
        EXPECT_TRUE(settings.signPayload) << host;
        EXPECT_TRUE(settings.contentMd5) << host;
        EXPECT_EQ(settings.concurrency, 5u) << host;
        EXPECT_TRUE(settings.extraHeaders.empty()) << host;
    }
}

TEST(Settings, TakeWhatTheUserSaid) {
    const Settings settings = from({{"skip-verify", "true"},
                                    {"sign-payload", "false"},
                                    {"require-content-md5", "false"},
                                    {"storage-class", "STANDARD_IA"},
                                    {"part-size", "8MiB"},
                                    {"concurrency", "3"},
                                    {"sse-kms-key-id", "alias/k"}});
    EXPECT_FALSE(settings.tls.verify);
    EXPECT_FALSE(settings.signPayload);
    EXPECT_FALSE(settings.contentMd5);
    EXPECT_EQ(settings.storageClass, "STANDARD_IA");
    EXPECT_EQ(settings.partSize, 8u << 20);
    EXPECT_EQ(settings.concurrency, 3u);
    EXPECT_EQ(settings.kmsKeyId, "alias/k");
    EXPECT_TRUE(from({}).tls.verify);
}

TEST(Settings, RoundFiveMegabytesUpAndRefuseLess) {
    for (const char* size : {"5MB", "5000000", "5242879"}) {
        const Settings settings = from({{"part-size", size}});
        EXPECT_EQ(settings.partSize, 5242880u) << size;
        ASSERT_EQ(settings.warnings.size(), 1u) << size;
        EXPECT_TRUE(contains(settings.warnings[0], "5242880")) << settings.warnings[0];
    }
    for (const char* size : {"4999999", "0", "4MiB", "6GiB"}) {
        const Error error = errorOf([&] { from({{"part-size", size}}); });
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
        EXPECT_TRUE(contains(error.what(), "part size must be at least 5242880 bytes")) << error.what();
    }
    EXPECT_EQ(from({}).partSize, 5242880u);
    EXPECT_TRUE(from({{"part-size", "5MiB"}}).warnings.empty());
    EXPECT_EQ(from({{"part-size", "1GiB"}}).partSize, 1ull << 30);
}

TEST(Settings, RefuseAConcurrencyThatIsNone) {
    for (const char* number : {"0", "-1", "10001", "x"}) {
        EXPECT_EQ(errorOf([&] { from({{"concurrency", number}}); }).code(), ErrorCode::InvalidArgument) << number;
    }
}

TEST(Settings, TheEnvironmentMayNameAnEndpoint) {
    const Environment environment =
        environmentOf({{"AWS_ENDPOINT_URL_S3", "https://a.test"}, {"AWS_ENDPOINT_URL", "https://b.test"}});
    EXPECT_EQ(placeOf(settingsFrom(optionsOf({{"bucket", "space"}}), environment)), "https://space.a.test:443/");
    EXPECT_EQ(placeOf(settingsFrom(optionsOf({{"bucket", "space"}, {"endpoint", "c.test"}}), environment)),
              "https://c.test:443/space/");
    EXPECT_EQ(placeOf(settingsFrom(optionsOf({{"bucket", "space"}}),
                                   environmentOf({{"AWS_ENDPOINT_URL", "http://127.0.0.1:9"}}))),
              "http://127.0.0.1:9/space/");
}

TEST(Settings, DescribeThemselvesInTheOrderOfTheLogLine) {
    const auto described =
        fromUrl("s3://SPACENAME/db", {{"endpoint", "nyc3.digitaloceanspaces.com"}, {"region", "nyc3"}}).describe();
    const std::vector<std::pair<std::string, std::string>> expected{
        {"bucket", "SPACENAME"}, {"path", "db"}, {"region", "nyc3"}, {"endpoint", "nyc3.digitaloceanspaces.com"}};
    EXPECT_EQ(described, expected);
    EXPECT_EQ(fromUrl("s3://SPACENAME.nyc3.digitaloceanspaces.com").describe()[1].second, ".");
    EXPECT_EQ(fromUrl("s3://SPACENAME.nyc3.digitaloceanspaces.com").describe()[3].second,
              "https://nyc3.digitaloceanspaces.com");
}

}  // namespace litestream::s3
