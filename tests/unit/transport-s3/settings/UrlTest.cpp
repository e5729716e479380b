#include "Support.h"
#include "settings/Url.h"

#include <array>

namespace litestream::s3 {

namespace {

struct HostRow {
    const char* host;
    const char* bucket;
    const char* region;
    const char* endpoint;
};

/// The union of what both generations of upstream recognise.
constexpr HostRow kHosts[] = {
    {"db.localhost", "db", "us-east-1", "http://localhost"},
    {"db.localhost:9000", "db", "us-east-1", "http://localhost:9000"},
    {"db.minio:9000", "db", "us-east-1", "http://minio:9000"},
    {"db.192.168.1.5:9000", "db", "us-east-1", "http://192.168.1.5:9000"},
    {"db.s3.eu-west-1.amazonaws.com", "db", "eu-west-1", ""},
    {"a.b.s3.eu-west-1.amazonaws.com", "a.b", "eu-west-1", ""},
    {"db.s3.amazonaws.com", "db", "", ""},
    {"SPACENAME.nyc3.digitaloceanspaces.com", "SPACENAME", "nyc3", "https://nyc3.digitaloceanspaces.com"},
    {"a.b.zzz9.digitaloceanspaces.com", "a.b", "zzz9", "https://zzz9.digitaloceanspaces.com"},
    {"db.nyc3.digitaloceanspaces.com:8443", "db", "nyc3", "https://nyc3.digitaloceanspaces.com:8443"},
    {"db.nyc3.cdn.digitaloceanspaces.com", "db", "nyc3", "https://nyc3.digitaloceanspaces.com"},
    {"db.NYC3.DigitalOceanSpaces.com", "db", "nyc3", "https://nyc3.digitaloceanspaces.com"},
    {"db.s3.us-west-002.backblazeb2.com", "db", "us-west-002", "https://s3.us-west-002.backblazeb2.com"},
    {"db.s3.filebase.com", "db", "", "s3.filebase.com"},
    {"db.s3.fr-par.scw.cloud", "db", "fr-par", "s3.fr-par.scw.cloud"},
    {"db.eu-central-1.linodeobjects.com", "db", "eu-central-1", "https://eu-central-1.linodeobjects.com"},
    {"db.example.com:9000", "db.example.com:9000", "", ""},
    {"db", "db", "", ""},
    {"db.example.net", "db.example.net", "", ""},
    {"My.Bucket", "My.Bucket", "", ""},
    {"notdigitaloceanspaces.com", "notdigitaloceanspaces.com", "", ""},
};

constexpr const char* kHostsWithoutBucket[] = {
    "nyc3.digitaloceanspaces.com",
    "nyc3.cdn.digitaloceanspaces.com",
    "s3.us-west-002.backblazeb2.com",
    "s3.filebase.com",
    "s3.fr-par.scw.cloud",
    "us-east-1.linodeobjects.com",
    "localhost",
    "localhost:9000",
    "127.0.0.1:9000",
    "127.0.0.1",
    "[::1]:9000",
    "",
};

struct PathRow {
    const char* url;
    const char* path;
};

constexpr PathRow kPaths[] = {
    {"s3://b/db", "db"},
    {"s3://b/a//b/../c/", "a/c"},
    {"s3://b/with%20space/x", "with space/x"},
    {"s3://b/a+b", "a+b"},
    {"s3://b", "."},
    {"s3://b/", ""},
    {"s3://b/..", ""},
    {"s3://b/../x", "x"},
    {"s3://b//x", "x"},
    {"s3://b/./x/.", "x"},
    {"s3://b/a%2Fb", "a/b"},
    {"s3://b?region=x", "."},
    {"s3://b/x?region=x", "x"},
    {"s3://b/x#y", "x"},
    {"S3://b/x", "x"},
    {"s3://user:password@b/x", "x"},
};

struct QueryRow {
    const char* query;
    const char* option;
    const char* value;
};

constexpr QueryRow kQueries[] = {
    {"endpoint=https://x.example.net/p", "endpoint", "https://x.example.net/p"},
    {"endpoint=x.example.net", "endpoint", "https://x.example.net"},
    {"endpoint=localhost:9000", "endpoint", "http://localhost:9000"},
    {"endpoint=127.0.0.1:9000", "endpoint", "http://127.0.0.1:9000"},
    {"endpoint=192.168.3.4", "endpoint", "http://192.168.3.4"},
    {"endpoint=10.3.4.5", "endpoint", "http://10.3.4.5"},
    {"endpoint=172.16.0.1:9", "endpoint", "http://172.16.0.1:9"},
    {"endpoint=172.31.0.1", "endpoint", "http://172.31.0.1"},
    {"endpoint=172.15.0.1", "endpoint", "https://172.15.0.1"},
    {"endpoint=172.32.0.1", "endpoint", "https://172.32.0.1"},
    {"endpoint=nas.local:9000", "endpoint", "http://nas.local:9000"},
    {"endpoint=s3.localhost:9000", "endpoint", "http://s3.localhost:9000"},
    {"region=eu-west-3", "region", "eu-west-3"},
    {"region=eu+west%203", "region", "eu west 3"},
    {"forcePathStyle=true", "force-path-style", "true"},
    {"forcePathStyle=1", "force-path-style", "false"},
    {"force-path-style=1", "force-path-style", "true"},
    {"force-path-style=no", "force-path-style", "false"},
    {"skipVerify=true", "skip-verify", "true"},
    {"skipVerify=yes", "skip-verify", "false"},
    {"skip-verify=YES", "skip-verify", "true"},
    {"signPayload=t", "sign-payload", "true"},
    {"sign-payload=false", "sign-payload", "false"},
    {"requireContentMD5=TRUE", "require-content-md5", "true"},
    {"require-content-md5=0", "require-content-md5", "false"},
    {"storageClass=STANDARD_IA", "storage-class", "STANDARD_IA"},
    {"storage-class=GLACIER_IR", "storage-class", "GLACIER_IR"},
    {"partSize=6000000", "part-size", "6000000"},
    {"part-size=6000000", "part-size", "6000000"},
    {"concurrency=3", "concurrency", "3"},
    {"sseCustomerAlgorithm=AES256", "sse-customer-algorithm", "AES256"},
    {"sse-customer-algorithm=AES256", "sse-customer-algorithm", "AES256"},
    {"sseCustomerKeyMD5=abc", "sse-customer-key-md5", "abc"},
    {"sse-customer-key-md5=abc", "sse-customer-key-md5", "abc"},
    {"sseKmsKeyId=alias/k", "sse-kms-key-id", "alias/k"},
    {"sse-kms-key-id=alias/k", "sse-kms-key-id", "alias/k"},
};

OptionValues parse(const std::string& url) {
    return parseReplicaUrl(url).options;
}

}  // namespace

TEST(Url, RecognisesHosts) {
    for (const HostRow& row : kHosts) {
        const OptionValues options = parse("s3://" + std::string(row.host) + "/db");
        EXPECT_EQ(options.text("bucket"), row.bucket) << row.host;
        EXPECT_EQ(options.textOr("region", ""), row.region) << row.host;
        EXPECT_EQ(options.textOr("endpoint", ""), row.endpoint) << row.host;
        EXPECT_EQ(options.text("path"), "db") << row.host;
    }
}

TEST(Url, RefusesHostsWithoutABucket) {
    for (const char* host : kHostsWithoutBucket) {
        const Error error = errorOf([&] { parse("s3://" + std::string(host) + "/db"); });
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument) << host;
        EXPECT_STREQ(error.what(), "bucket required for s3 replica") << host;
    }
    EXPECT_STREQ(errorOf([] { parse("s3:"); }).what(), "bucket required for s3 replica");
    EXPECT_STREQ(errorOf([] { parse("s3:/x"); }).what(), "bucket required for s3 replica");
}

TEST(Url, CleansPaths) {
    for (const PathRow& row : kPaths) {
        const OptionValues options = parse(row.url);
        EXPECT_EQ(options.text("path"), row.path) << row.url;
        EXPECT_EQ(options.text("bucket"), "b") << row.url;
    }
}

TEST(Url, RefusesBrokenEscapes) {
    for (const char* url : {"s3://b/%", "s3://b/%2", "s3://b/%zz", "s3://b/x?region=%f", "s3://b/%00"}) {
        EXPECT_EQ(errorOf([&] { parse(url); }).code(), ErrorCode::InvalidArgument) << url;
    }
}

TEST(Url, ReadsEverySpellingOfAParameter) {
    for (const QueryRow& row : kQueries) {
        const ParsedUrl parsed = parseReplicaUrl("s3://b/db?x=" + std::string("&") + row.query);
        EXPECT_EQ(parsed.options.text(row.option), row.value) << row.query;
        ASSERT_EQ(parsed.unknownParameters.size(), 1u) << row.query;
        EXPECT_EQ(parsed.unknownParameters[0], "x");
    }
}

TEST(Url, KeepsACustomerKeyOfTheQuerySecret) {
    for (const char* name : {"sseCustomerKey", "sse-customer-key"}) {
        const OptionValues options = parse("s3://b/db?" + std::string(name) + "=hidden%2B");
        EXPECT_EQ(options.secret("sse-customer-key").reveal(), "hidden+");
        EXPECT_FALSE(options.texts().contains("sse-customer-key"));
    }
}

TEST(Url, AQueryParameterBeatsTheHost) {
    const OptionValues options =
        parse("s3://b.nyc3.digitaloceanspaces.com/db?region=ams3&endpoint=ams3.digitaloceanspaces.com");
    EXPECT_EQ(options.text("region"), "ams3");
    EXPECT_EQ(options.text("endpoint"), "https://ams3.digitaloceanspaces.com");
}

TEST(Url, AnEmptyParameterSaysNothing) {
    const OptionValues options = parse("s3://b.nyc3.digitaloceanspaces.com/db?region=&endpoint&part-size=");
    EXPECT_EQ(options.text("region"), "nyc3");
    EXPECT_EQ(options.text("endpoint"), "https://nyc3.digitaloceanspaces.com");
    EXPECT_FALSE(options.has("part-size"));
}

TEST(Url, RefusesIntegersThatAreNotPositive) {
    for (const char* name : {"part-size", "partSize", "concurrency"}) {
        for (const char* value : {"x", "0", "-1", "5MB", "1.5", "99999999999999999999"}) {
            const Error error = errorOf([&] { parse("s3://b/db?" + std::string(name) + "=" + value); });
            EXPECT_EQ(error.what(), "invalid value for query parameter \"" + std::string(name) + "\": \"" + value +
                                        "\" (must be a positive integer)");
            EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
        }
    }
}

TEST(Url, NeverTakesCredentialsFromTheQuery) {
    const ParsedUrl parsed = parseReplicaUrl("s3://b/db?access-key-id=AKIA&secret-access-key=hidden");
    EXPECT_FALSE(parsed.options.has("access-key-id"));
    EXPECT_FALSE(parsed.options.has("secret-access-key"));
    EXPECT_EQ(parsed.unknownParameters, (std::vector<std::string>{"access-key-id", "secret-access-key"}));
}

TEST(Url, ErrorsShowNeitherQueryNorUserInformation) {
    for (const char* url :
         {"s3://me:hidden@nyc3.digitaloceanspaces.com/x?sse-customer-key=hidden",
          "s3://me:hidden@b/%?sse-customer-key=hidden", "s3://b/x?sse-customer-key=hidden%",
          "s3://arn:aws:s3:r:1:bucket/x?sse-customer-key=hidden", "s3://b/?endpoint=http://me:hidden@x"}) {
        // The endpoint of the last one is refused where it is used.
        const Error error = errorOf([&] {
            parse(url);
            throw Error(ErrorCode::InvalidArgument, "fine");
        });
        EXPECT_FALSE(contains(error.what(), "hidden")) << error.what();
    }
}

TEST(Url, ReadsAccessPoints) {
    const std::string arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/backups";
    const OptionValues options = parse("s3://" + arn + "/db//x/?storage-class=STANDARD_IA");
    EXPECT_EQ(options.text("bucket"), arn);
    EXPECT_EQ(options.text("region"), "eu-west-1");
    EXPECT_EQ(options.text("path"), "db/x");
    EXPECT_EQ(options.text("storage-class"), "STANDARD_IA");
    EXPECT_FALSE(options.has("endpoint"));
    EXPECT_EQ(parse("s3://" + arn).text("path"), "");
    EXPECT_EQ(parse("s3://" + arn + "/").text("path"), "");
    EXPECT_EQ(parse("s3://" + arn + "?region=us-east-2").text("region"), "us-east-2");
    for (const char* bad : {"arn:aws:s3:eu-west-1:1:accesspoint/", "arn:aws:s3:eu-west-1:1:bucket/x", "arn:aws"}) {
        EXPECT_STREQ(errorOf([&] { parse("s3://" + std::string(bad)); }).what(),
                     ("invalid s3 access point arn: " + std::string(bad)).c_str());
    }
}

}  // namespace litestream::s3
