#include "Server.h"
#include "http/Http.h"
#include "support/ErrorOf.h"

#include <litestream/Error.h>

#include <gtest/gtest.h>

#include <future>
#include <iterator>

namespace litestream::http {

namespace {

using litestream::test::errorOf;

/// A body of some runs, the last of which may be an Error.
class Runs final : public Body {
public:
    explicit Runs(std::vector<std::string> runs, std::optional<std::uint64_t> size = {}, bool fails = false)
        : runs_(std::move(runs)), size_(size), fails_(fails) {}

    std::optional<std::uint64_t> size() const override { return size_; }
    ConstBytes next() override {
        if (next_ < runs_.size()) return std::as_bytes(std::span(runs_[next_++]));
        if (fails_) throw Error(ErrorCode::Corrupt, "read spool: torn");
        return {};
    }
    void rewind() override { next_ = 0; }

private:
    const std::vector<std::string> runs_;
    const std::optional<std::uint64_t> size_;
    const bool fails_;
    std::size_t next_ = 0;
};

class StreamTest : public testing::Test {
protected:
    Response put(const Server& server, Body& body) {
        return http_.exchange(server.origin(), {}, {.method = "PUT", .target = "/a", .stream = &body}, context_);
    }
    Response get(const Server& server, std::function<void(std::istream&)> reader) {
        return http_.exchange(server.origin(), {}, {.method = "GET", .target = "/a", .reader = std::move(reader)},
                              context_);
    }

    Http http_;
    CallContext context_ = CallContext::within(std::chrono::minutes(1));
};

/// Answers with what follows the head of the request, until it ends with `end`.
Server echoUntil(const std::string& end) {
    return Server([end](Peer& peer, int) {
        const std::string request = peer.requestUntil(end);
        peer.answer(200, request.substr(request.find("\r\n\r\n") + 4),
                    request.find("Transfer-Encoding: chunked") == std::string::npos ? "" : "X-Chunked: 1\r\n");
    });
}

std::string whole(std::istream& stream) {
    return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_F(StreamTest, GoesWithItsLengthWhenItKnowsIt) {
    const Server server = echoUntil("defg");
    Runs body({"abc", "defg"}, 7);
    const Response response = put(server, body);
    EXPECT_EQ(response.body, "abcdefg");
    EXPECT_EQ(response.header("X-Chunked"), "");
}

TEST_F(StreamTest, GoesInChunksWhenItDoesNot) {
    const Server server = echoUntil("\r\n0\r\n\r\n");
    Runs body({"abc", std::string(17, 'x')});
    const Response response = put(server, body);
    EXPECT_EQ(response.body, "3\r\nabc\r\n11\r\n" + std::string(17, 'x') + "\r\n0\r\n\r\n");
    EXPECT_EQ(response.header("X-Chunked"), "1");
}

TEST_F(StreamTest, IsNotWholeWhenItFails) {
    std::promise<std::string> seen;
    Server server([&](Peer& peer, int) { seen.set_value(peer.requestUntil("0\r\n\r\n")); });
    Runs body({"abc"}, {}, true);
    const Error error = errorOf([&] { put(server, body); });
    EXPECT_EQ(error.code(), ErrorCode::Corrupt);
    EXPECT_STREQ(error.what(), "read spool: torn");
    EXPECT_TRUE(seen.get_future().get().ends_with("abc\r\n"));
}

TEST_F(StreamTest, MustHaveTheLengthThatItTells) {
    for (const std::uint64_t told : {2u, 4u}) {
        Server server([](Peer& peer, int) { peer.awaitClose(); });
        Runs body({"abc"}, told);
        EXPECT_EQ(errorOf([&] { put(server, body); }).code(), ErrorCode::Transient) << told;
    }
}

TEST_F(StreamTest, BeginsAgainOnANewConnection) {
    std::promise<std::string> seen;
    Server server([&](Peer& peer, int number) {
        if (number == 0) {
            peer.request();
            peer.answer(200, "");
            peer.request();
            peer.reset();
        } else {
            seen.set_value(peer.request());
            peer.answer(200, "");
        }
    });
    get(server, {});
    Runs body({"abc", "defg"}, 7);
    put(server, body);
    EXPECT_TRUE(seen.get_future().get().ends_with("\r\n\r\nabcdefg"));
}

TEST_F(StreamTest, IsHandedToTheReaderOfAnAnswer) {
    const std::string content(1 << 20, 'y');
    Server server([&](Peer& peer, int) {
        peer.request();
        peer.answer(207, content);
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
        peer.request();
        peer.answer(404, "nothing");
    });
    std::string seen;
    const auto reader = [&](std::istream& stream) { seen = whole(stream); };
    EXPECT_EQ(get(server, reader).body, "");
    EXPECT_TRUE(seen == content);
    get(server, reader);
    EXPECT_EQ(seen, "abcde");
    EXPECT_EQ(get(server, reader).body, "nothing");
    EXPECT_EQ(seen, "abcde");
    EXPECT_EQ(server.connections(), 1);
}

TEST_F(StreamTest, ThatIsNotReadToItsEndCostsItsConnection) {
    Server server([&](Peer& peer, int) {
        peer.request();
        peer.answer(200, "abcdef");
        peer.awaitClose();
    });
    for (int i = 0; i < 2; ++i) get(server, [](std::istream& stream) { EXPECT_EQ(stream.get(), 'a'); });
    EXPECT_EQ(server.connections(), 2);
}

TEST_F(StreamTest, ThatIsCutIsAFailureOfTheConnection) {
    for (const char* head : {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc"}) {
        Server server([&](Peer& peer, int) {
            peer.request();
            peer.send(head);
            peer.close();
        });
        const Error error = errorOf([&] { get(server, [](std::istream& stream) { whole(stream); }); });
        EXPECT_EQ(error.code(), ErrorCode::Transient) << head;
        EXPECT_NE(std::string(error.what()).find("connection closed by peer within its answer"), std::string::npos)
            << error.what();
    }
}

TEST_F(StreamTest, PassesOnWhatItsReaderThrows) {
    Server server([&](Peer& peer, int) {
        peer.request();
        peer.answer(200, "abcdef");
    });
    EXPECT_EQ(
        errorOf([&] { get(server, [](std::istream&) { throw Error(ErrorCode::Corrupt, "no listing"); }); }).code(),
        ErrorCode::Corrupt);
}

}  // namespace litestream::http
