#include "Support.h"
#include "credentials/Credentials.h"

namespace litestream::s3 {

namespace {

OptionValues secretsOf(const std::map<std::string, std::string>& secrets) {
    OptionValues options;
    for (const auto& [name, text] : secrets) options.set(name, Secret(text));
    return options;
}

}  // namespace

TEST(StaticCredentials, AreGivenOutAsTheyAre) {
    const auto given = givenCredentials(
        secretsOf({{"access-key-id", "AKID"}, {"secret-access-key", "hidden/+"}, {"session-token", "token"}}));
    ASSERT_TRUE(given);
    const Credentials credentials = staticCredentials(*given)->get({});
    EXPECT_EQ(credentials.accessKeyId, "AKID");
    EXPECT_EQ(credentials.secretAccessKey.reveal(), "hidden/+");
    EXPECT_EQ(credentials.sessionToken.reveal(), "token");
    EXPECT_FALSE(credentials.expires);
}

TEST(StaticCredentials, AreOptional) {
    EXPECT_FALSE(givenCredentials({}));
    EXPECT_FALSE(givenCredentials(secretsOf({{"access-key-id", ""}, {"secret-access-key", ""}})));
}

TEST(StaticCredentials, HalfAPairIsRefusedAndTheMissingHalfNamed) {
    const Error noSecret = errorOf([] { givenCredentials(secretsOf({{"access-key-id", "hidden"}})); });
    EXPECT_EQ(noSecret.code(), ErrorCode::InvalidArgument);
    EXPECT_TRUE(contains(noSecret.what(), "secret-access-key is missing")) << noSecret.what();
    EXPECT_FALSE(contains(noSecret.what(), "hidden"));
    const Error noId = errorOf([] { givenCredentials(secretsOf({{"secret-access-key", "hidden"}})); });
    EXPECT_EQ(noId.code(), ErrorCode::InvalidArgument);
    EXPECT_TRUE(contains(noId.what(), "access-key-id is missing")) << noId.what();
    EXPECT_FALSE(contains(noId.what(), "hidden"));
    EXPECT_TRUE(contains(errorOf([] {
                             givenCredentials(secretsOf({{"session-token", "t"}}));
                         }).what(),
                         "access-key-id is missing"));
}

}  // namespace litestream::s3
