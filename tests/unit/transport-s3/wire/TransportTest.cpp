#include "S3Transport.h"
#include "../../http/Server.h"
#include "support/ErrorOf.h"

#include <litestream/Error.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <mutex>

namespace litestream::s3 {

namespace {

using litestream::test::errorOf;

class Log final : public Host {
public:
    void log(LogLevel, std::string_view message) override {
        std::lock_guard lock(mutex_);
        lines_.emplace_back(message);
    }
    std::vector<std::string> lines() {
        std::lock_guard lock(mutex_);
        return lines_;
    }

private:
    std::mutex mutex_;  ///< guards lines_
    std::vector<std::string> lines_;
};

class TextBody final : public Body {
public:
    explicit TextBody(std::string text) : text_(std::move(text)) {}
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    ConstBytes next() override {
        const auto run = std::as_bytes(std::span(text_)).subspan(taken_, std::min<std::size_t>(1 << 20, text_.size() - taken_));
        taken_ += run.size();
        return run;
    }
    void rewind() override { taken_ = 0; }

private:
    std::string text_;
    std::size_t taken_ = 0;
};

/// Gives out tokens t1, t2 ... up to `last`, the next one when one was rejected.
class Tokens final : public CredentialProvider {
public:
    explicit Tokens(int last) : last_(last) {}
    Credentials get(const CallContext&) override {
        std::lock_guard lock(mutex_);
        return {"AKIA", Secret("secret"), token(), std::nullopt};
    }
    bool reject(const Credentials& refused) override {
        std::lock_guard lock(mutex_);
        if (refused.sessionToken.reveal() != token().reveal()) return true;
        if (number_ == last_) return false;
        ++number_;
        return true;
    }

private:
    Secret token() const { return Secret("t" + std::to_string(number_)); }

    const int last_;
    std::mutex mutex_;  ///< guards number_
    int number_ = 1;
};

/// A store whose answers a test makes up: what no real one can be made to say. The requests that came are kept, first lines and headers.
class TransportTest : public testing::Test {
protected:
    using Answer = std::function<void(Peer&, const std::string& request)>;

    void serve(Answer answer, std::shared_ptr<CredentialProvider> credentials = staticCredentials({"AKIA", Secret("secret"), {}, {}})) {
        server_ = std::make_unique<Server>([this, answer = std::move(answer)](Peer& peer, int) {
            for (std::string request = peer.request(); !request.empty(); request = peer.request()) {
                const std::string head = request.substr(0, request.find("\r\n\r\n"));
                {
                    std::lock_guard lock(mutex_);
                    requests_.push_back(head);
                }
                answer(peer, head);
            }
        });
        Settings settings;
        settings.bucket = "b";
        settings.path = "p";
        settings.prefix = "p/";
        settings.region = "r1";
        settings.origin = server_->origin();
        settings.hasEndpoint = true;
        settings.addressing = Addressing::Path;
        settings.partSize = 5 << 20;
        settings.concurrency = 3;
        transport_ = makeTransport(settings, std::move(credentials), std::make_shared<Http>(), log_);
    }

    std::size_t requestsWith(std::string_view text) {
        std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::count_if(requests_.begin(), requests_.end(), [&](const std::string& request) {
            return request.find(text) != std::string::npos;
        }));
    }

    void putLong(const std::string& key = "a") {
        TextBody body(std::string(12 << 20, 'x'));
        transport_->put(key, body, {}, {});
    }

    Log log_;
    std::mutex mutex_;  ///< guards requests_
    std::vector<std::string> requests_;
    std::unique_ptr<Server> server_;
    std::unique_ptr<Transport> transport_;
};

constexpr const char* kUpload = "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
constexpr const char* kCompleted = "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>";
constexpr const char* kEtag = "ETag: \"e\"\r\n";

}  // namespace

TEST_F(TransportTest, AdoptsTheRegionThatTheStoreNames) {
    serve([](Peer& peer, const std::string& request) {
        if (request.find("/r1/s3/aws4_request") != std::string::npos) {
            return peer.answer(400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>r2</Region></Error>");
        }
        peer.answer(200, "", kEtag);
    });
    for (int i = 0; i < 2; ++i) {
        TextBody body("x");
        transport_->put("a", body, {}, {});
    }
    EXPECT_EQ(requestsWith("/r1/s3/"), 1u);
    EXPECT_EQ(requestsWith("/r2/s3/"), 2u);
    EXPECT_EQ(log_.lines().size(), 1u);
}

TEST_F(TransportTest, AsksAWanderingStoreOnlyOnceMore) {
    serve([](Peer& peer, const std::string& request) {
        const bool first = request.find("/r1/s3/") != std::string::npos;
        peer.answer(301, "<Error><Code>PermanentRedirect</Code></Error>", std::string("x-amz-bucket-region: ") + (first ? "r2" : "r1") + "\r\n");
    });
    EXPECT_EQ(errorOf([&] { transport_->head("a", {}); }).code(), ErrorCode::InvalidArgument);
    EXPECT_EQ(requestsWith("HEAD "), 2u);
}

TEST_F(TransportTest, SignsWithTheStoresTimeWhenItsOwnIsRefused) {
    serve([](Peer& peer, const std::string& request) {
        if (request.find("x-amz-date: 20010101T") == std::string::npos) {
            return peer.answer(403, "<Error><Code>RequestTimeTooSkewed</Code></Error>", "Date: Mon, 01 Jan 2001 12:00:00 GMT\r\n");
        }
        peer.answer(200, "", kEtag);
    });
    for (int i = 0; i < 2; ++i) {
        TextBody body("x");
        transport_->put("a", body, {}, {});
    }
    EXPECT_EQ(requestsWith("PUT "), 3u);
    ASSERT_EQ(log_.lines().size(), 1u);
    EXPECT_NE(log_.lines()[0].find("this machine's clock differs by"), std::string::npos) << log_.lines()[0];
}

TEST_F(TransportTest, AsksForOtherCredentialsWhenTheTokenIsRefused) {
    for (const char* code : {"ExpiredToken", "InvalidToken", "TokenRefreshRequired"}) {
        requests_.clear();
        serve(
            [code](Peer& peer, const std::string& request) {
                if (request.find("x-amz-security-token: t2") != std::string::npos) return peer.answer(200, "", kEtag);
                peer.answer(400, std::string("<Error><Code>") + code + "</Code></Error>");
            },
            std::make_shared<Tokens>(9));
        for (int i = 0; i < 2; ++i) {
            TextBody body("x");
            transport_->put("a", body, {}, {});
        }
        EXPECT_EQ(requestsWith("x-amz-security-token: t1"), 1u) << code;
        EXPECT_EQ(requestsWith("x-amz-security-token: t2"), 2u) << code;
    }
    ASSERT_EQ(log_.lines().size(), 3u);
    EXPECT_EQ(log_.lines()[0], "bucket b takes the temporary credentials no more (ExpiredToken): asking for new ones");
}

TEST_F(TransportTest, AsksForOtherCredentialsWhenAHeadIsRefusedWithoutACode) {
    serve(
        [](Peer& peer, const std::string& request) {
            const bool good = request.find("x-amz-security-token: t2") != std::string::npos;
            peer.answer(good ? 404 : 400, "");
        },
        std::make_shared<Tokens>(9));
    EXPECT_EQ(errorOf([&] { transport_->head("a", {}); }).code(), ErrorCode::NotFound);
    EXPECT_EQ(requestsWith("HEAD "), 2u);
}

TEST_F(TransportTest, TriesOtherCredentialsOnlyOnce) {
    for (const auto& [last, requests] : {std::pair{9, 2u}, std::pair{1, 1u}}) {
        requests_.clear();
        serve([](Peer& peer, const std::string&) { peer.answer(400, "<Error><Code>ExpiredToken</Code></Error>"); },
              std::make_shared<Tokens>(last));
        TextBody body("x");
        const Error error = errorOf([&] { transport_->put("a", body, {}, {}); });
        EXPECT_EQ(error.code(), ErrorCode::Denied);
        EXPECT_NE(std::string(error.what()).find("ExpiredToken"), std::string::npos) << error.what();
        EXPECT_EQ(requestsWith("PUT "), requests);
    }
}

TEST_F(TransportTest, PassesOnHowLongTheStoreWantsToBeLeftAlone) {
    serve([](Peer& peer, const std::string&) { peer.answer(503, "<Error><Code>SlowDown</Code></Error>", "Retry-After: 3\r\n"); });
    const Error error = errorOf([&] { transport_->list("", "", 1, {}); });
    EXPECT_EQ(error.code(), ErrorCode::Throttled);
    EXPECT_EQ(error.retryAfter(), std::chrono::seconds(3));
}

TEST_F(TransportTest, NamesTheOperationWhenTheConnectionFails) {
    serve([](Peer& peer, const std::string&) { peer.reset(); });
    TextBody body("x");
    const Error error = errorOf([&] { transport_->put("a", body, {}, {}); });
    EXPECT_EQ(error.code(), ErrorCode::Transient);
    EXPECT_EQ(std::string(error.what()),
              "put a: send request failed: Put \"" + urlOf(server_->origin()) + "/b/p/a\": read: connection reset by peer");
}

TEST_F(TransportTest, SendsARefusedPartAgain) {
    std::atomic<int> refused{0};
    serve([&](Peer& peer, const std::string& request) {
        if (request.starts_with("POST /b/p/a?uploads=")) return peer.answer(200, kUpload);
        if (request.starts_with("POST ")) return peer.answer(200, kCompleted);
        if (request.find("partNumber=2") != std::string::npos && refused++ == 0) return peer.answer(503, "");
        peer.answer(200, "", kEtag);
    });
    putLong();
    EXPECT_EQ(requestsWith("PUT "), 4u);
    EXPECT_EQ(requestsWith("DELETE "), 0u);
}

TEST_F(TransportTest, T66_GivesUpALongObjectWhosePartIsRefusedForGood) {
    serve([](Peer& peer, const std::string& request) {
        if (request.starts_with("POST ")) return peer.answer(200, kUpload);
        if (request.find("partNumber=2") != std::string::npos) return peer.answer(403, "<Error><Code>AccessDenied</Code></Error>");
        peer.answer(request.starts_with("DELETE") ? 204 : 200, "", kEtag);
    });
    EXPECT_EQ(errorOf([&] { putLong(); }).code(), ErrorCode::Denied);
    EXPECT_EQ(requestsWith("DELETE /b/p/a?uploadId=u1"), 1u);
}

TEST_F(TransportTest, HearsARefusalBehindAStatusThatSaysSuccess) {
    serve([](Peer& peer, const std::string& request) {
        if (request.starts_with("POST /b/p/a?uploads=")) return peer.answer(200, kUpload);
        if (request.starts_with("POST ")) return peer.answer(200, "  <Error><Code>InternalError</Code></Error>");
        peer.answer(request.starts_with("DELETE") ? 204 : 200, "", kEtag);
    });
    EXPECT_EQ(errorOf([&] { putLong(); }).code(), ErrorCode::Transient);
    EXPECT_EQ(requestsWith("DELETE /b/p/a?uploadId=u1"), 1u);
}

TEST_F(TransportTest, DoesNotBelieveACompletionThatDoesNotSaySo) {
    for (const char* answer : {"", "  \n", "<html>busy</html>", "  <?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>",
                               "<?xml version=\"1.0\"?>   ", "<CompleteMultipartUploadResult><Key>a</Key>"}) {
        serve([answer](Peer& peer, const std::string& request) {
            if (request.starts_with("POST /b/p/a?uploads=")) return peer.answer(200, kUpload);
            if (request.starts_with("POST ")) return peer.answer(200, answer);
            peer.answer(request.starts_with("DELETE") ? 204 : 200, "", kEtag);
        });
        EXPECT_EQ(errorOf([&] { putLong(); }).code(), ErrorCode::Transient) << answer;
    }
}

TEST_F(TransportTest, TakesBlanksBeforeTheCompletion) {
    serve([](Peer& peer, const std::string& request) {
        if (request.starts_with("POST /b/p/a?uploads=")) return peer.answer(200, kUpload);
        if (request.starts_with("POST ")) return peer.answer(200, "   <?xml version=\"1.0\"?><CompleteMultipartUploadResult/>");
        peer.answer(200, "", kEtag);
    });
    putLong();
    EXPECT_EQ(requestsWith("DELETE "), 0u);
}

TEST_F(TransportTest, TellsThatAnUploadIsLeftBehind) {
    serve([](Peer& peer, const std::string& request) {
        if (request.starts_with("POST ")) return peer.answer(200, kUpload);
        peer.answer(403, "<Error><Code>AccessDenied</Code></Error>");
    });
    EXPECT_EQ(errorOf([&] { putLong(); }).code(), ErrorCode::Denied);
    ASSERT_EQ(log_.lines().size(), 1u);
    EXPECT_NE(log_.lines()[0].find("abort the upload of a: AccessDenied"), std::string::npos) << log_.lines()[0];
}

/// An upload of a killed process, as a listing names it.
std::string unfinished(const std::string& key, const std::string& id, const std::string& begun) {
    return "<Upload><Key>" + key + "</Key><UploadId>" + id + "</UploadId><Initiated>" + begun + "</Initiated></Upload>";
}

TEST_F(TransportTest, T66_AbortsWhatKilledProcessesLeftBesideALongObject) {
    const std::string listing = "<ListMultipartUploadsResult><EncodingType>url</EncodingType>" +
                                unfinished("p/0009/a%2Bb.ltx", "old", "2026-11-17T12:00:00.000Z") +
                                unfinished("p/0009/c.ltx", "young", "2026-11-17T12:00:01.000Z") +
                                unfinished("p/0009/deep/d.ltx", "deep", "2026-11-01T00:00:00.000Z") +
                                unfinished("q/0009/e.ltx", "foreign", "2026-11-01T00:00:00.000Z") + "</ListMultipartUploadsResult>";
    serve([&](Peer& peer, const std::string& request) {
        if (request.starts_with("GET ")) return peer.answer(200, listing, "Date: Tue, 24 Nov 2026 12:00:00 GMT\r\n");
        if (request.starts_with("POST /b/p/0009/x.ltx?uploads=")) return peer.answer(200, kUpload);
        if (request.starts_with("POST ")) return peer.answer(200, kCompleted);
        peer.answer(request.starts_with("DELETE") ? 204 : 200, "", kEtag);
    });
    putLong("0009/x.ltx");
    putLong("0009/x.ltx");
    EXPECT_EQ(requestsWith("GET "), 1u);
    EXPECT_EQ(requestsWith("GET /b?encoding-type=url&prefix=p%2F0009%2F&uploads= "), 1u);
    EXPECT_EQ(requestsWith("DELETE "), 1u);
    EXPECT_EQ(requestsWith("DELETE /b/p/0009/a%2Bb.ltx?uploadId=old "), 1u);
}

TEST_F(TransportTest, ALongObjectIsPutWhereNobodyMayListUploads) {
    serve([](Peer& peer, const std::string& request) {
        if (request.starts_with("GET ")) return peer.answer(403, "<Error><Code>AccessDenied</Code></Error>");
        if (request.find("?uploads=") != std::string::npos) return peer.answer(200, kUpload);
        if (request.starts_with("POST ")) return peer.answer(200, kCompleted);
        peer.answer(200, "", kEtag);
    });
    putLong("0009/x.ltx");
    EXPECT_EQ(requestsWith("DELETE "), 0u);
    ASSERT_EQ(log_.lines().size(), 1u);
    EXPECT_NE(log_.lines()[0].find("list the unfinished uploads below 0009/: AccessDenied"), std::string::npos) << log_.lines()[0];
}

TEST_F(TransportTest, DoesNotBelieveAPutWithoutAnEtag) {
    serve([](Peer& peer, const std::string&) { peer.answer(200, ""); });
    TextBody body("x");
    EXPECT_EQ(errorOf([&] { transport_->put("a", body, {}, {}); }).code(), ErrorCode::Transient);
}

TEST_F(TransportTest, TellsKeysThatTheStoreDoesNotMention) {
    serve([](Peer& peer, const std::string&) {
        peer.answer(200, "<DeleteResult><Deleted><Key>p/a</Key></Deleted><Error><Key>p/b</Key><Code>AccessDenied</Code><Message>no</Message>"
                         "</Error><Error><Key>p/c</Key><Code>NoSuchKey</Code></Error></DeleteResult>");
    });
    const std::vector<std::string> keys{"a", "b", "c", "d"};
    const auto failures = transport_->remove(keys, {});
    ASSERT_EQ(failures.size(), 2u);
    EXPECT_EQ(failures[0].key, "b");
    EXPECT_EQ(failures[0].reason, "remove b: AccessDenied: no");
    EXPECT_EQ(failures[1].key, "d");
}

TEST_F(TransportTest, DoesNotTakeAShortAnswerForTheEndOfAnObject) {
    serve([](Peer& peer, const std::string&) { peer.answer(206, "abc", "Content-Range: bytes 5-7/100\r\n"); });
    std::string buffer(10, '?');
    EXPECT_EQ(errorOf([&] { transport_->get("a", 5, std::as_writable_bytes(std::span(buffer)), {}); }).code(), ErrorCode::Transient);
    EXPECT_EQ(errorOf([&] { transport_->get("a", 4, std::as_writable_bytes(std::span(buffer)), {}); }).code(), ErrorCode::Transient);
}

TEST_F(TransportTest, RefusesAStoreThatIgnoresRanges) {
    serve([](Peer& peer, const std::string&) { peer.answer(200, "abcdef"); });
    std::string buffer(3, '?');
    EXPECT_EQ(errorOf([&] { transport_->get("a", 2, std::as_writable_bytes(std::span(buffer)), {}); }).code(), ErrorCode::Unsupported);
    EXPECT_EQ(transport_->get("a", 0, std::as_writable_bytes(std::span(buffer)), {}), 3u);
    EXPECT_EQ(buffer, "abc");
}

}  // namespace litestream::s3
