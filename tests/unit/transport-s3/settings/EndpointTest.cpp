#include "Support.h"
#include "base/Endpoint.h"

namespace litestream::s3 {

TEST(Endpoint, IsHttpsWithoutAScheme) {
    EXPECT_EQ(parseEndpoint("nyc3.digitaloceanspaces.com").origin, (Origin{true, "nyc3.digitaloceanspaces.com", 443}));
    EXPECT_EQ(parseEndpoint("localhost:9000").origin, (Origin{true, "localhost", 9000}));
    EXPECT_EQ(parseEndpoint("http://localhost:9000").origin, (Origin{false, "localhost", 9000}));
    EXPECT_EQ(parseEndpoint("HTTP://Example.NET").origin, (Origin{false, "example.net", 80}));
    EXPECT_EQ(parseEndpoint("https://[::1]:9000").origin, (Origin{true, "::1", 9000}));
}

TEST(Endpoint, KeepsAPathPrefix) {
    EXPECT_EQ(parseEndpoint("https://x.supabase.co/storage/v1/s3/").path, "/storage/v1/s3");
    EXPECT_EQ(parseEndpoint("x.supabase.co/storage/v1/s3").path, "/storage/v1/s3");
    EXPECT_EQ(parseEndpoint("https://x.supabase.co/").path, "");
    EXPECT_EQ(parseEndpoint("https://x.supabase.co/a%20b").path, "/a%20b");
}

TEST(Endpoint, RefusesWhatIsNone) {
    for (const char* text : {"ftp://x", "https://", "", "https://x?y=z", "https://x:99999", "https://x:y", "a b"}) {
        EXPECT_EQ(errorOf([&] { parseEndpoint(text); }).code(), ErrorCode::InvalidArgument) << text;
    }
}

TEST(Endpoint, DoesNotShowUserInformation) {
    const Error error = errorOf([] { parseEndpoint("https://me:hidden@x.example.net"); });
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    EXPECT_FALSE(contains(error.what(), "hidden")) << error.what();
}

TEST(Endpoint, KnowsPrivateHosts) {
    for (const char* host : {"localhost", "127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.20.0.1", "192.168.0.1"}) {
        EXPECT_TRUE(isPrivateHost(host)) << host;
    }
    for (const char* host : {"8.8.8.8", "172.32.0.1", "example.net", "10.example.net", "2001:db8::1"}) {
        EXPECT_FALSE(isPrivateHost(host)) << host;
    }
}

}  // namespace litestream::s3
