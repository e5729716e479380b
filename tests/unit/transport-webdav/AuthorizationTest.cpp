#include "Authorization.h"

#include <gtest/gtest.h>

namespace litestream::webdav {

namespace {

/// A refusal with these challenges.
http::Response challenge(std::initializer_list<const char*> values) {
    http::Response response;
    response.status = 401;
    for (const char* value : values) response.headers.emplace_back("WWW-Authenticate", value);
    return response;
}

constexpr const char* kBasic = "Basic realm=\"r\"";
constexpr const char* kDigest = "Digest realm=\"r\", nonce=\"first\", algorithm=MD5, qop=\"auth\"";
constexpr const char* kNewer = "Digest realm=\"r\", nonce=\"second\", stale=true, algorithm=MD5, qop=\"auth\"";

}  // namespace

TEST(Authorization, GivesThePasswordAtOnceThroughTls) {
    Authorization authorization("user", Secret("pass"), true);
    EXPECT_EQ(authorization.header("GET", "/a"), "Basic dXNlcjpwYXNz");
    EXPECT_FALSE(authorization.learn(challenge({kBasic}), authorization.header("GET", "/a")));
}

TEST(Authorization, WaitsForAChallengeWithoutTls) {
    Authorization authorization("user", Secret("pass"), false);
    EXPECT_EQ(authorization.header("GET", "/a"), "");
    EXPECT_TRUE(authorization.learn(challenge({kBasic}), ""));
    EXPECT_EQ(authorization.header("GET", "/a"), "Basic dXNlcjpwYXNz");
}

TEST(Authorization, DoesNotShowThePasswordWhereDigestIsOffered) {
    Authorization authorization("user", Secret("pass"), false);
    EXPECT_TRUE(authorization.learn(challenge({kBasic, kDigest}), ""));
    const std::string first = authorization.header("GET", "/a");
    EXPECT_TRUE(first.starts_with("Digest ")) << first;
    EXPECT_NE(first.find("uri=\"/a\""), std::string::npos) << first;
    EXPECT_NE(first.find("nc=00000001"), std::string::npos) << first;
    EXPECT_NE(authorization.header("PUT", "/b").find("nc=00000002"), std::string::npos);
}

TEST(Authorization, TakesUpANewerNonceAndGivesUpAWrongPassword) {
    Authorization authorization("user", Secret("pass"), false);
    ASSERT_TRUE(authorization.learn(challenge({kDigest}), ""));
    const std::string first = authorization.header("GET", "/a");
    EXPECT_FALSE(authorization.learn(challenge({kDigest}), first));
    EXPECT_TRUE(authorization.learn(challenge({kNewer}), first));
    const std::string second = authorization.header("GET", "/a");
    EXPECT_NE(second.find("nonce=\"second\""), std::string::npos) << second;
    // Somebody who was refused with the first one meanwhile.
    EXPECT_TRUE(authorization.learn(challenge({kDigest}), first));
    EXPECT_NE(authorization.header("GET", "/a").find("nonce=\"second\""), std::string::npos);
}

TEST(Authorization, HasNothingForAnonymousRequestsAndForWhatItDoesNotKnow) {
    Authorization nobody("", Secret(), true);
    EXPECT_EQ(nobody.header("GET", "/a"), "");
    EXPECT_FALSE(nobody.learn(challenge({kBasic}), ""));
    Authorization authorization("user", Secret("pass"), false);
    for (const char* value :
         {"Bearer", "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512", "Digest nonsense", "Digest"}) {
        EXPECT_FALSE(authorization.learn(challenge({value}), "")) << value;
    }
}

}  // namespace litestream::webdav
