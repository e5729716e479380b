#include "Answer.h"
#include "ObjectTime.h"
#include "Refusals.h"

#include <gtest/gtest.h>

namespace litestream::s3 {

namespace {

constexpr const char* kPage = R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType><Name>b</Name><Prefix>p%2F</Prefix>
<MaxKeys>2</MaxKeys><IsTruncated>true</IsTruncated><NextContinuationToken>p/a&amp;b</NextContinuationToken>
<Contents><Key>p%2Fa%20b+c%2Bd%C3%BC</Key><LastModified>2026-11-24T13:11:44.753Z</LastModified><ETag>&quot;9d&quot;</ETag><Size>12</Size></Contents>
<CommonPrefixes><Prefix>x</Prefix></CommonPrefixes>
<Contents><Key>p/z</Key><LastModified>2026-11-24T13:11:44.000Z</LastModified><Size>0</Size></Contents></ListBucketResult>)";

ErrorCode meaning(int status, const std::string& code, const std::string& message = {}) {
    return errorOf({.status = status, .code = code, .message = message}, {"put a", "b", "s3:PutObject"}).code();
}

std::string text(const Refusal& refusal, std::chrono::seconds difference = {}) {
    return errorOf(refusal, {"put a", "b", "s3:PutObject", difference}).what();
}

template <class Action>
void expectTransient(Action&& action) {
    try {
        action();
        ADD_FAILURE() << "no Error was thrown";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Transient);
        EXPECT_TRUE(std::string(error.what()).starts_with("list x: ")) << error.what();
    }
}

}  // namespace

TEST(ListPage, IsReadWithItsEncoding) {
    const ListPage page = readListPage(kPage, "list x");
    EXPECT_TRUE(page.truncated);
    EXPECT_EQ(page.nextToken, "p/a&b");
    ASSERT_EQ(page.objects.size(), 2u);
    EXPECT_EQ(page.objects[0].key, "p/a b c+d\xc3\xbc");
    EXPECT_EQ(page.objects[0].size, 12u);
    EXPECT_EQ(page.objects[0].timestamp.milliseconds, 1795525904753);
    EXPECT_EQ(page.objects[1].key, "p/z");
}

TEST(ListPage, IsNotDecodedWhenTheStoreDidNotEncodeIt) {
    const ListPage page = readListPage("<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a%20b+c&lt;</Key>"
                                       "<LastModified>2026-11-24T13:11:44Z</LastModified><Size>1</Size></Contents></ListBucketResult>",
                                       "list x");
    EXPECT_FALSE(page.truncated);
    EXPECT_EQ(page.objects.at(0).key, "a%20b+c<");
}

TEST(Answers, ThatAreCutOffOrSomethingElseAreFailures) {
    for (const std::string& document : {std::string(), std::string("<html></html>"), std::string(kPage).substr(0, 400), std::string("junk"),
                                        std::string("<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>")}) {
        expectTransient([&] { readListPage(document, "list x"); });
        expectTransient([&] { readDeleteResults(document, "list x"); });
        expectTransient([&] { readUploadId(document, "list x"); });
        expectTransient([&] { readLocation(document, "list x"); });
    }
}

TEST(Answers, DoNotFollowEntitiesToFiles) {
    const std::string document = R"(<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><LocationConstraint>&e;</LocationConstraint>)";
    try {
        EXPECT_EQ(readLocation(document, "list x"), "us-east-1");
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Transient);
    }
}

TEST(DeleteResults, TellEachKey) {
    const auto results = readDeleteResults(
        "<DeleteResult><Deleted><Key>a&amp;b</Key></Deleted><Error><Key>c</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
        "<Error><Key>d</Key></Error></DeleteResult>",
        "remove");
    ASSERT_EQ(results.size(), 3u);
    EXPECT_EQ(results[0].key + results[0].code, "a&b");
    EXPECT_EQ(results[1].key + results[1].code + results[1].message, "cAccessDeniedno");
    EXPECT_FALSE(results[2].code.empty());
}

TEST(Location, KnowsTheOldNames) {
    EXPECT_EQ(readLocation("<LocationConstraint/>", "x"), "us-east-1");
    EXPECT_EQ(readLocation("<LocationConstraint>EU</LocationConstraint>", "x"), "eu-west-1");
    EXPECT_EQ(readLocation("<?xml version=\"1.0\"?><LocationConstraint xmlns=\"u\">nyc3</LocationConstraint>", "x"), "nyc3");
}

TEST(RequestDocuments, EscapeWhatXmlTakesForItsOwn) {
    EXPECT_EQ(deleteDocument({"a<b>&\"\x01\xc3\xbc"}), "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>"
                                                      "a&lt;b&gt;&amp;&quot;&#x01;\xc3\xbc</Key></Object></Delete>");
    EXPECT_EQ(completeDocument({"\"x\"", "y"}),
              "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part><PartNumber>1</PartNumber><ETag>&quot;x&quot;"
              "</ETag></Part><Part><PartNumber>2</PartNumber><ETag>y</ETag></Part></CompleteMultipartUpload>");
}

TEST(Refusals, AreReadWithAndWithoutABody) {
    Response response;
    response.status = 403;
    response.headers = {{"X-Amz-Request-Id", "42"}};
    response.body = "<Error><Code>AccessDenied</Code><Message></Message><Region>eu</Region></Error>";
    EXPECT_EQ(readRefusal(response).code, "AccessDenied");
    EXPECT_EQ(readRefusal(response).region, "eu");
    EXPECT_EQ(text(readRefusal(response)),
              "put a: AccessDenied (status 403, request id 42). Allow the key s3:PutObject on the bucket b");
    response.body = "<Error><Code>SlowDown</Code></Error>";
    EXPECT_EQ(readRefusal(response).code, "SlowDown");
    for (const char* body : {"", "not xml", "<html><body>502</body></html>"}) {
        response.body = body;
        EXPECT_EQ(readRefusal(response).code, "");
        EXPECT_EQ(text(readRefusal(response)), "put a: refused (status 403, request id 42). Check the access keys and whether they are "
                                               "allowed s3:PutObject on the bucket b");
    }
}

TEST(Refusals, BecomeTheErrorThatFits) {
    EXPECT_EQ(meaning(404, "NoSuchKey"), ErrorCode::NotFound);
    EXPECT_EQ(meaning(404, ""), ErrorCode::NotFound);
    EXPECT_EQ(meaning(404, "NoSuchBucket"), ErrorCode::InvalidArgument);
    EXPECT_EQ(meaning(412, "PreconditionFailed"), ErrorCode::Conflict);
    EXPECT_EQ(meaning(409, "ConditionalRequestConflict"), ErrorCode::Conflict);
    EXPECT_EQ(meaning(409, "OperationAborted"), ErrorCode::Transient);
    EXPECT_EQ(meaning(503, "SlowDown"), ErrorCode::Throttled);
    EXPECT_EQ(meaning(503, ""), ErrorCode::Throttled);
    EXPECT_EQ(meaning(429, "what"), ErrorCode::Throttled);
    EXPECT_EQ(meaning(400, "RequestLimitExceeded"), ErrorCode::Throttled);
    for (const int status : {500, 502, 504, 408, 599}) EXPECT_EQ(meaning(status, ""), ErrorCode::Transient) << status;
    EXPECT_EQ(meaning(400, "RequestTimeout"), ErrorCode::Transient);
    EXPECT_EQ(meaning(200, "InternalError"), ErrorCode::Transient);
    EXPECT_EQ(meaning(200, "what"), ErrorCode::Transient);
    EXPECT_EQ(meaning(400, "BadDigest"), ErrorCode::Transient);
    EXPECT_EQ(meaning(400, "XAmzContentSHA256Mismatch"), ErrorCode::Transient);
    for (const char* code : {"AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId", "RequestTimeTooSkewed", ""}) {
        EXPECT_EQ(meaning(403, code), ErrorCode::Denied) << code;
    }
    EXPECT_EQ(meaning(400, "ExpiredToken"), ErrorCode::Denied);
    EXPECT_EQ(meaning(400, "EntityTooSmall"), ErrorCode::InvalidArgument);
    EXPECT_EQ(meaning(507, ""), ErrorCode::DiskFull);
}

TEST(Refusals, TellWhatToDo) {
    EXPECT_EQ(text({.status = 404, .code = "NoSuchBucket", .message = "gone", .requestId = "7"}),
              "put a: NoSuchBucket: gone (status 404, request id 7). The bucket b does not exist. Create it or correct the name");
    EXPECT_EQ(text({.status = 403, .code = "RequestTimeTooSkewed"}, std::chrono::seconds(-1000)),
              "put a: RequestTimeTooSkewed (status 403). This machine's clock differs by 1000s from the store's: set it");
}

TEST(ObjectTime, IsWrittenAsUpstreamDoes) {
    EXPECT_EQ(formatTimestamp({1795387569198}), "2026-11-22T22:46:09.198Z");
    EXPECT_EQ(formatTimestamp({1795387569200}), "2026-11-22T22:46:09.2Z");
    EXPECT_EQ(formatTimestamp({1795387569020}), "2026-11-22T22:46:09.02Z");
    EXPECT_EQ(formatTimestamp({1795387569000}), "2026-11-22T22:46:09Z");
    EXPECT_EQ(formatTimestamp({1}), "1970-01-01T00:00:00.001Z");
}

TEST(ObjectTime, IsReadInEveryForm) {
    for (const char* text : {"2026-11-22T22:46:09.198Z", "2026-11-22T22:46:09.198000001Z", "2026-11-22T23:46:09.198+01:00",
                             "2026-11-22T17:16:09.198-05:30"}) {
        ASSERT_TRUE(parseTimestamp(text)) << text;
        EXPECT_EQ(parseTimestamp(text)->milliseconds, 1795387569198) << text;
    }
    EXPECT_EQ(parseTimestamp("2026-11-22T22:46:09Z")->milliseconds, 1795387569000);
    EXPECT_EQ(parseTimestamp("2026-11-22T22:46:09.2Z")->milliseconds, 1795387569200);
    for (const char* text : {"", "yesterday", "2026-11-22", "2026-11-22 22:46:09.198Z", "1795387569198000000000"}) {
        EXPECT_FALSE(parseTimestamp(text)) << text;
    }
}

}  // namespace litestream::s3
