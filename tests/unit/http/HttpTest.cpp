#include "Server.h"
#include "http/Digest.h"
#include "http/Http.h"
#include "support/ErrorOf.h"

#include <litestream/Error.h>

#include <gtest/gtest.h>

#include <future>

namespace litestream::http {

namespace {

using litestream::test::errorOf;

using std::chrono::milliseconds;
using std::chrono::seconds;

class HttpTest : public testing::Test {
protected:
    Response exchange(const Server& server, const Request& request, MutableBytes sink = {}) {
        return http_.exchange(server.origin(), {}, request, context_, sink);
    }
    Response get(const Server& server) { return exchange(server, {.method = "GET", .target = "/a?b=c", .headers = {}, .body = {}}); }

    /// The Error that a GET ends with.
    Error failure(const Server& server, const Request& request) {
        return errorOf([&] { exchange(server, request); });
    }
    Error failure(const Server& server) { return failure(server, {.method = "GET", .target = "/a?b=c", .headers = {}, .body = {}}); }

    Http http_;
    CallContext context_ = CallContext::within(std::chrono::minutes(1));
};

void serve(Peer& peer, int) {
    while (!peer.request().empty()) peer.answer(200, "hello");
}

}  // namespace

TEST_F(HttpTest, UsesOneConnectionForManyRequests) {
    Server server(serve);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(get(server).body, "hello");
    EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpTest, SendsHeaderAndBodyAsTheyAre) {
    std::promise<std::string> seen;
    Server server([&](Peer& peer, int) {
        seen.set_value(peer.request());
        peer.answer(200, "");
    });
    exchange(server, {.method = "PUT", .target = "/a%20b?c=d", .headers = {{"x-amz-date", "now"}}, .body = bytesOf("body")});
    const std::string request = seen.get_future().get();
    EXPECT_TRUE(request.starts_with("PUT /a%20b?c=d HTTP/1.1\r\nHost: 127.0.0.1:")) << request;
    EXPECT_NE(request.find("\r\nx-amz-date: now\r\n"), std::string::npos) << request;
    EXPECT_NE(request.find("\r\nUser-Agent: litestream/"), std::string::npos) << request;
    EXPECT_TRUE(request.ends_with("\r\nContent-Length: 4\r\n\r\nbody")) << request;
}

TEST_F(HttpTest, SendsALongBodyWhole) {
    const std::string body(3 << 20, 'x');
    Server server([&](Peer& peer, int) {
        const std::string request = peer.request();
        peer.answer(200, sha256Hex(bytesOf(std::string_view(request).substr(request.find("\r\n\r\n") + 4))));
    });
    EXPECT_EQ(exchange(server, {.method = "PUT", .target = "/", .headers = {}, .body = bytesOf(body)}).body, sha256Hex(bytesOf(body)));
}

TEST_F(HttpTest, ReadsABodyIntoTheSink) {
    const std::string content(1 << 20, 'y');
    Server server([&](Peer& peer, int) {
        while (!peer.request().empty()) peer.answer(206, content);
    });
    std::string sink(content.size() + 10, '#');
    const Response response = exchange(server, {.method = "GET", .target = "/", .headers = {}, .body = {}}, std::as_writable_bytes(std::span(sink)));
    EXPECT_EQ(response.received, content.size());
    EXPECT_TRUE(sink == content + std::string(10, '#'));
    EXPECT_EQ(response.body, "");
}

TEST_F(HttpTest, KeepsAnErrorsDocumentOutOfTheSink) {
    Server server([](Peer& peer, int) {
        peer.request();
        peer.answer(404, "<Error/>");
    });
    std::string sink(100, '#');
    const Response response = exchange(server, {.method = "GET", .target = "/", .headers = {}, .body = {}}, std::as_writable_bytes(std::span(sink)));
    EXPECT_EQ(response.body, "<Error/>");
    EXPECT_EQ(sink, std::string(100, '#'));
}

TEST_F(HttpTest, ReadsChunksAndGoesOnWithTheConnection) {
    Server server([](Peer& peer, int) {
        while (!peer.request().empty()) peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    });
    EXPECT_EQ(get(server).body, "abcde");
    EXPECT_EQ(get(server).body, "abcde");
    EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpTest, ReadsToTheEndOfAConnectionWithoutLength) {
    Server server([](Peer& peer, int) {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\n\r\nabc");
        peer.close();
    });
    EXPECT_EQ(get(server).body, "abc");
}

TEST_F(HttpTest, ReplacesAConnectionThatTheServerClosed) {
    std::promise<void> closed;
    Server server([&](Peer& peer, int number) {
        peer.request();
        peer.answer(200, "hello");
        if (number == 0) {
            peer.close();
            closed.set_value();
        } else {
            serve(peer, number);
        }
    });
    get(server);
    closed.get_future().wait();
    EXPECT_EQ(get(server).body, "hello");
    EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpTest, SendsAgainWhenAReusedConnectionIsResetByTheRequest) {
    Server server([](Peer& peer, int number) {
        peer.request();
        peer.answer(200, "hello");
        peer.request();
        if (number == 0) return peer.reset();
        peer.answer(200, "again");
    });
    get(server);
    EXPECT_EQ(get(server).body, "hello");
    EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpTest, TellsAResetOfANewConnection) {
    Server server([](Peer& peer, int) {
        peer.request();
        peer.reset();
    });
    const Error error = failure(server);
    EXPECT_EQ(error.code(), ErrorCode::Transient);
    EXPECT_EQ(std::string(error.what()),
              "send request failed: Get \"" + urlOf(server.origin()) + "/a\": read: connection reset by peer");
    EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpTest, DoesNotSendAgainWhatWasHalfAnswered) {
    Server server([](Peer& peer, int) {
        peer.request();
        peer.answer(200, "hello");
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        peer.reset();
    });
    get(server);
    EXPECT_EQ(failure(server).code(), ErrorCode::Transient);
    EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpTest, CallsAnAnswerThatIsCutOffAFailure) {
    for (const char* answer : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "HTTP/1.1 200 OK\r\nContent-Len", "junk\r\n\r\n", ""}) {
        Server server([&](Peer& peer, int) {
            peer.request();
            peer.send(answer);
            peer.close();
        });
        EXPECT_EQ(failure(server).code(), ErrorCode::Transient) << answer;
    }
}

TEST_F(HttpTest, HearsARefusalOfABodyThatTheServerDoesNotRead) {
    const std::string body(32 << 20, 'x');
    std::promise<void> done;
    auto ended = done.get_future().share();
    Server server([&](Peer& peer, int) {
        peer.answer(403, "<Error/>");
        ended.wait();
    });
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(exchange(server, {.method = "PUT", .target = "/", .headers = {}, .body = bytesOf(body), .patience = seconds(1)}).status, 403);
    }
    EXPECT_EQ(server.connections(), 2) << "a connection with half a body in it was used again";
    done.set_value();
}

TEST_F(HttpTest, GivesUpASilentServer) {
    Server server([](Peer& peer, int) { peer.awaitClose(); });
    const Error error = failure(server, {.method = "GET", .target = "/", .headers = {}, .body = {}, .patience = seconds(1)});
    EXPECT_EQ(error.code(), ErrorCode::Transient);
    EXPECT_NE(std::string(error.what()).find("send request failed: Get"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("no answer for 1s"), std::string::npos) << error.what();
}

TEST_F(HttpTest, GivesUpAServerThatReadsNothing) {
    std::promise<void> done;
    auto ended = done.get_future().share();
    Server server([&](Peer&, int) { ended.wait(); });
    const std::string body(64 << 20, 'x');
    const Error error = failure(server, {.method = "PUT", .target = "/", .headers = {}, .body = bytesOf(body), .patience = seconds(1)});
    done.set_value();
    EXPECT_EQ(error.code(), ErrorCode::Transient);
    EXPECT_NE(std::string(error.what()).find("write: no answer for 1s"), std::string::npos) << error.what();
}

TEST_F(HttpTest, IsPatientWithASlowReader) {
    const std::string body(12 << 20, 'x');
    Server server([&](Peer& peer, int) {
        peer.readSlowly(body.size(), milliseconds(30));
        peer.answer(200, "");
    });
    EXPECT_EQ(exchange(server, {.method = "PUT", .target = "/", .headers = {}, .body = bytesOf(body), .patience = seconds(1)}).status, 200);
}

TEST_F(HttpTest, EndsWithItsDeadline) {
    Server server([](Peer& peer, int) { peer.awaitClose(); });
    context_ = CallContext::within(milliseconds(200));
    EXPECT_EQ(failure(server).code(), ErrorCode::Cancelled);
}

TEST_F(HttpTest, EndsWhenItIsCancelled) {
    CancellationSource source;
    Server server([&](Peer& peer, int) {
        peer.request();
        source.cancel();
        peer.awaitClose();
    });
    context_ = CallContext::within(std::chrono::minutes(1), source.token());
    EXPECT_EQ(failure(server).code(), ErrorCode::Cancelled);
}

TEST_F(HttpTest, HearsARefusalOfABodyThatIsNotReadToItsEnd) {
    Server server([](Peer& peer, int) {
        peer.readSlowly(1, std::chrono::milliseconds(0));
        peer.send("HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nnever\r\n0\r\n\r\n");
        peer.reset();
    });
    const std::string body(32u << 20, 'x');
    const Response response = exchange(server, {.method = "PUT", .target = "/a", .headers = {}, .body = bytesOf(body)});
    EXPECT_EQ(response.status, 403);
    EXPECT_EQ(response.body, "never");
}

TEST_F(HttpTest, TellsARefusedConnection) {
    Origin origin;
    {
        Server server(serve);
        origin = server.origin();
    }
    const Error error = errorOf([&] { http_.exchange(origin, {}, {.method = "GET", .target = "/", .headers = {}, .body = {}}, context_); });
    EXPECT_EQ(error.code(), ErrorCode::Transient);
    EXPECT_NE(std::string(error.what()).find("connection refused"), std::string::npos) << error.what();
}

TEST_F(HttpTest, TellsANameThatDoesNotExist) {
    // Too long for a name, so that no name server is asked.
    const std::string host(64, 'x');
    const Error error = errorOf([&] { http_.exchange({false, host, 80}, {}, {.method = "GET", .target = "/", .headers = {}, .body = {}}, context_); });
    EXPECT_EQ(error.code(), ErrorCode::Transient);
    EXPECT_NE(std::string(error.what()).find("lookup " + host + ": "), std::string::npos) << error.what();
}

TEST_F(HttpTest, DoesNotUseAConnectionBeyondTheServersTime) {
    Server server([](Peer& peer, int) {
        while (!peer.request().empty()) peer.answer(200, "hello", "Keep-Alive: timeout=1\r\n");
    });
    get(server);
    get(server);
    EXPECT_EQ(server.connections(), 2);
}

}  // namespace litestream::http
