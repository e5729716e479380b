#include "http/Digest.h"
#include "http/Encode.h"
#include "base/Signature.h"

#include <gtest/gtest.h>

namespace litestream::s3 {

namespace {

/// The examples of the Amazon S3 API reference, "Signature Calculations for the Authorization Header".
class PublishedExample : public testing::Test {
protected:
    std::string sign(std::string_view method, std::string_view path, std::string_view query, Headers headers,
                     std::string_view body = "") {
        const std::string hash = sha256Hex(bytesOf(body));
        headers.insert(headers.end(), {{"Host", "examplebucket.s3.amazonaws.com"}, {"x-amz-content-sha256", hash}, {"x-amz-date", "20130524T000000Z"}});
        return signer_.authorization({method, path, query, headers, hash}, "20130524T000000Z", "us-east-1",
                                     "AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
    }
    static std::string expected(const std::string& names, const std::string& signature) {
        return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + names +
               ",Signature=" + signature;
    }

    Signer signer_;
};

}  // namespace

TEST_F(PublishedExample, GetObject) {
    EXPECT_EQ(sign("GET", "/test.txt", "", {{"Range", "bytes=0-9"}}),
              expected("host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
}

TEST_F(PublishedExample, PutObject) {
    EXPECT_EQ(sign("PUT", "/" + percentEncode("test$file.text", true), "",
                   {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}, "Welcome to Amazon S3."),
              expected("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST_F(PublishedExample, GetBucketLifecycle) {
    EXPECT_EQ(sign("GET", "/", "lifecycle=", {}),
              expected("host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST_F(PublishedExample, ListObjects) {
    EXPECT_EQ(sign("GET", "/", "max-keys=2&prefix=J", {}),
              expected("host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST_F(PublishedExample, SignsBlanksAsOne) {
    EXPECT_EQ(sign("GET", "/", "", {{"x-amz-meta-a", "  b \t c  "}}), sign("GET", "/", "", {{"X-Amz-Meta-A", "b c"}}));
}

TEST(Signer, MakesAnotherKeyForAnotherDayRegionOrSecret) {
    Signer signer;
    const Headers headers{{"Host", "h"}, {"x-amz-date", "20130524T000000Z"}};
    const Signable request{"GET", "/", "", headers, "UNSIGNED-PAYLOAD"};
    const auto sign = [&](const char* date, const char* region, const char* secret) {
        const std::string value = signer.authorization(request, date, region, "A", Secret(secret));
        return value.substr(value.find("Signature="));
    };
    const std::string first = sign("20130524T000000Z", "r", "s");
    EXPECT_NE(sign("20130525T000000Z", "r", "s"), first);
    EXPECT_NE(sign("20130524T000000Z", "q", "s"), first);
    EXPECT_NE(sign("20130524T000000Z", "r", "t"), first);
    EXPECT_EQ(sign("20130524T000000Z", "r", "s"), first);
}

TEST(Encode, KeepsOnlyWhatASignatureKeeps) {
    EXPECT_EQ(percentEncode("AZaz09-_.~", false), "AZaz09-_.~");
    EXPECT_EQ(percentEncode("a/b c+d%\xc3\xbc", true), "a/b%20c%2Bd%25%C3%BC");
    EXPECT_EQ(percentEncode("a/b", false), "a%2Fb");
}

TEST(AmzDate, IsInUtc) {
    EXPECT_EQ(amzDate(std::chrono::system_clock::from_time_t(1369353600)), "20130524T000000Z");
}

TEST(Digest, AgreesWithPublishedValues) {
    EXPECT_EQ(sha256Hex(bytesOf("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(md5Base64(bytesOf("")), "1B2M2Y8AsgTpgAmY7PhCfg==");
}

}  // namespace litestream::s3
