#include "Support.h"
#include "settings/Encryption.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace litestream::s3 {

namespace {

const Origin kTls{true, "example.net", 443};

/// The 32 bytes 0, 1, ... 31 and what md5sum says of them.
constexpr const char* kKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
constexpr const char* kMd5 = "tP/LI3N87DFaSk0aoqYgzg==";

OptionValues withKey(const std::string& key, const std::map<std::string, std::string>& texts = {}) {
    OptionValues options = optionsOf(texts);
    options.set("sse-customer-key", Secret(key));
    return options;
}

Error refusalOf(const OptionValues& options, const Origin& origin = kTls) {
    return errorOf([&] { customerKeyFrom(options, origin); });
}

}  // namespace

TEST(Encryption, ComputesTheMd5OfAKey) {
    const auto key = customerKeyFrom(withKey(kKey), kTls);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->algorithm, "AES256");
    EXPECT_EQ(key->key.reveal(), kKey);
    EXPECT_EQ(key->keyMd5, kMd5);
    EXPECT_TRUE(customerKeyFrom(withKey(kKey, {{"sse-customer-key-md5", kMd5}}), kTls));
    EXPECT_FALSE(customerKeyFrom({}, kTls));
    EXPECT_FALSE(customerKeyFrom(optionsOf({{"sse-customer-algorithm", "AES256"}}), kTls));
}

TEST(Encryption, RefusesKeysThatAreNone) {
    for (const char* bad :
         {"hidden", "AAECAwQF", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
          "AAEC AwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISI="}) {
        const Error error = refusalOf(withKey(bad));
        EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
        EXPECT_TRUE(contains(error.what(), "exactly 32 bytes")) << error.what();
        EXPECT_FALSE(contains(error.what(), bad)) << error.what();
    }
}

TEST(Encryption, RefusesWhatDoesNotGoTogether) {
    EXPECT_TRUE(contains(refusalOf(withKey(kKey, {{"sse-kms-key-id", "k"}})).what(), "exclude each other"));
    EXPECT_TRUE(contains(refusalOf(withKey(kKey, {{"sse-customer-algorithm", "DES"}})).what(), "AES256"));
    EXPECT_TRUE(contains(refusalOf(withKey(kKey, {{"sse-customer-key-md5", "x"}})).what(), "another MD5"));
}

TEST(Encryption, KeepsAKeyOffAPublicNetworkWithoutTls) {
    for (const char* host : {"localhost", "127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "172.16.0.1"}) {
        EXPECT_TRUE(customerKeyFrom(withKey(kKey), {false, host, 80})) << host;
    }
    for (const char* host : {"example.net", "8.8.8.8"}) {
        const Error error = refusalOf(withKey(kKey), {false, host, 80});
        EXPECT_TRUE(contains(error.what(), "unencrypted")) << error.what();
        EXPECT_FALSE(contains(error.what(), kKey));
    }
}

TEST(Encryption, AKeyFileWins) {
    const std::filesystem::path file =
        std::filesystem::path(testing::TempDir()) / ("s3-key-" + std::to_string(::getpid()));
    std::ofstream(file) << " " << kKey << "\n";
    EXPECT_EQ(customerKeyFrom(withKey("nonsense", {{"sse-customer-key-path", file}}), kTls)->key.reveal(), kKey);
    std::ofstream(file) << "\n";
    EXPECT_TRUE(contains(refusalOf(withKey(kKey, {{"sse-customer-key-path", file}})).what(), "empty"));
    std::filesystem::remove(file);
    const Error error = refusalOf(optionsOf({{"sse-customer-key-path", file}}));
    EXPECT_EQ(error.code(), ErrorCode::NotFound);
    EXPECT_TRUE(contains(error.what(), file.string())) << error.what();
}

}  // namespace litestream::s3
