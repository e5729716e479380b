#include "Scripted.h"
#include "litestream/Error.h"
#include "support/ErrorOf.h"

#include <gtest/gtest.h>

namespace litestream::webdav {

namespace {

using litestream::test::errorOf;

class Text final : public Body {
public:
    explicit Text(std::string text, bool sizeKnown = true) : text_(std::move(text)), sizeKnown_(sizeKnown) {}
    std::optional<std::uint64_t> size() const override {
        return sizeKnown_ ? std::optional<std::uint64_t>(text_.size()) : std::nullopt;
    }
    ConstBytes next() override {
        return std::as_bytes(std::span(std::exchange(taken_, true) ? std::string_view() : std::string_view(text_)));
    }
    void rewind() override { taken_ = false; }

private:
    const std::string text_;
    const bool sizeKnown_;
    bool taken_ = false;
};

constexpr std::size_t kLong = 2000000;

std::string get(Transport& transport, std::uint64_t offset, std::size_t length) {
    std::string bytes(length, '?');
    bytes.resize(transport.get("a", offset, std::as_writable_bytes(std::span(bytes)), {}));
    return bytes;
}

}  // namespace

TEST(WebdavTransport, PutsUnderAnotherNameAndMoves) {
    std::string moved;
    Scripted server([&](const std::string& line, const std::string& request) -> Scripted::Answer {
        if (line.starts_with("MOVE")) moved = request;
        return {201};
    });
    Text body("content");
    EXPECT_EQ(server.transport->put("ltx/0/a b", body, {}, {}), 7u);
    const auto lines = server.lines();
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[0], "MKCOL /db/ltx/0/");
    EXPECT_TRUE(lines[1].starts_with("PUT /db/ltx/0/a%20b.") && lines[1].ends_with(".tmp")) << lines[1];
    EXPECT_EQ(lines[2], "MOVE" + lines[1].substr(3));
    EXPECT_NE(moved.find("/db/ltx/0/a%20b\r\n"), std::string::npos) << moved;
    EXPECT_NE(moved.find("Destination: http://127.0.0.1:"), std::string::npos) << moved;
    EXPECT_NE(moved.find("Overwrite: F\r\n"), std::string::npos) << moved;
}

TEST(WebdavTransport, ReplacesInOneStepWhereTheServerCan) {
    for (const bool isApache : {true, false}) {
        Scripted server([&](const std::string& line, const std::string& request) -> Scripted::Answer {
            const bool refused = line.starts_with("MOVE") && request.find("Overwrite: F") != std::string::npos;
            return {refused ? 412 : 201, "", isApache ? "Server: Apache/2.4\r\n" : "Server: nginx\r\n"};
        });
        Text body("content");
        EXPECT_EQ(server.transport->put("a", body, {}, {}), 7u);
        const auto lines = server.lines();
        EXPECT_EQ(std::count(lines.begin(), lines.end(), "PUT /db/a"), isApache ? 1 : 0);
        EXPECT_EQ(
            std::count_if(lines.begin(), lines.end(), [](const std::string& line) { return line.starts_with("MOVE"); }),
            isApache ? 1 : 2);
        PutOptions options;
        options.onlyIfAbsent = true;
        body.rewind();
        EXPECT_EQ(errorOf([&] { server.transport->put("a", body, options, {}); }).code(), ErrorCode::Conflict);
    }
}

TEST(WebdavTransport, NamesThePathAloneToAServerBehindAProxy) {
    Scripted server([](const std::string& line, const std::string& request) -> Scripted::Answer {
        return {line.starts_with("MOVE") && request.find("Destination: /db/a\r\n") == std::string::npos ? 502 : 201};
    });
    for (int i = 0; i < 2; ++i) {
        Text body("x");
        server.transport->put("a", body, {}, {});
    }
    EXPECT_EQ(server.lines().size(), 6u);  // MKCOL, PUT, MOVE, MOVE, PUT, MOVE
}

TEST(WebdavTransport, MakesAFolderAgainThatSomebodyRemoved) {
    int puts = 0;
    Scripted server([&](const std::string& line, const auto&) -> Scripted::Answer {
        return {line.starts_with("PUT") && ++puts == 2 ? 409 : 201};
    });
    for (int i = 0; i < 2; ++i) {
        Text body("x");
        server.transport->put("ltx/0/a", body, {}, {});
    }
    const auto lines = server.lines();
    EXPECT_EQ(std::count(lines.begin(), lines.end(), "MKCOL /db/ltx/0/"), 2);
    EXPECT_EQ(puts, 3);
}

TEST(WebdavTransport, SendsTheLengthToAServerThatLosesChunks) {
    bool sized = false;
    Scripted server([&](const std::string& line, const std::string& request) -> Scripted::Answer {
        if (line.starts_with("PROPFIND")) return multistatus(resource("/db/a", 0));
        if (line.starts_with("PUT")) {
            sized = request.find("Content-Length: 2000000\r\n") != std::string::npos;
            if (!sized) return {411, "", "Connection: close\r\n"};
        }
        return {201};
    });
    for (int i = 0; i < 2; ++i) {
        Text body(std::string(kLong, 'x'), false);
        EXPECT_EQ(server.transport->put("a", body, {}, {}), kLong);
        EXPECT_TRUE(sized);
    }
    const auto lines = server.lines();
    EXPECT_EQ(
        std::count_if(lines.begin(), lines.end(), [](const std::string& line) { return line.starts_with("PUT"); }), 3);
}

TEST(WebdavTransport, SendsTheLengthToAServerThatKeepsAnEmptyFile) {
    std::string last;
    Scripted server([&](const std::string& line, const std::string& request) -> Scripted::Answer {
        if (line.starts_with("PROPFIND")) return multistatus(resource("/db/a", 0));
        if (line.starts_with("PUT")) last = request.substr(0, request.find("\r\n\r\n"));
        // It must not take the chunks for another request.
        return {201, "", line.starts_with("PUT") ? "Connection: close\r\n" : ""};
    });
    Text body(std::string(kLong, 'x'), false);
    EXPECT_EQ(server.transport->put("a", body, {}, {}), kLong);
    EXPECT_NE(last.find("Content-Length: 2000000"), std::string::npos) << last;
}

TEST(WebdavTransport, SendsASmallBodyOfUnknownSizeWithItsLength) {
    bool sized = false;
    Scripted server([&](const std::string& line, const std::string& request) -> Scripted::Answer {
        if (line.starts_with("PUT")) sized = request.find("Content-Length: 7\r\n") != std::string::npos;
        return {201};
    });
    Text body("content", false);
    EXPECT_EQ(server.transport->put("a", body, {}, {}), 7u);
    EXPECT_TRUE(sized);
}

TEST(WebdavTransport, ReadsPartsOfAServerThatSendsWholeFiles) {
    Scripted server([](const auto&, const auto&) -> Scripted::Answer { return {200, "0123456789"}; });
    EXPECT_EQ(get(*server.transport, 0, 3), "012");
    EXPECT_EQ(get(*server.transport, 7, 2), "78");
    EXPECT_EQ(get(*server.transport, 7, 20), "789");
    EXPECT_EQ(get(*server.transport, 10, 2), "");
    EXPECT_EQ(get(*server.transport, 100, 2), "");
    EXPECT_EQ(server.log.lines.size(), 1u);
}

TEST(WebdavTransport, TellsWhatARefusalMeans) {
    const auto refusal = [](int status, const std::string& headers) {
        Scripted server([&](const auto&, const auto&) -> Scripted::Answer { return {status, "", headers}; });
        return errorOf([&] { server.transport->list("", "", 1, {}); });
    };
    EXPECT_EQ(refusal(401, "").code(), ErrorCode::Denied);
    EXPECT_EQ(refusal(403, "").code(), ErrorCode::Denied);
    EXPECT_EQ(refusal(405, "").code(), ErrorCode::Unsupported);
    EXPECT_EQ(refusal(423, "").code(), ErrorCode::Transient);
    EXPECT_EQ(refusal(500, "").code(), ErrorCode::Transient);
    EXPECT_EQ(refusal(507, "").code(), ErrorCode::DiskFull);
    const Error throttled = refusal(503, "Retry-After: 7\r\n");
    EXPECT_EQ(throttled.code(), ErrorCode::Throttled);
    EXPECT_EQ(throttled.retryAfter(), std::chrono::seconds(7));
    const Error moved = refusal(301, "Location: https://elsewhere/db/?hidden\r\n");
    EXPECT_EQ(moved.code(), ErrorCode::InvalidArgument);
    EXPECT_STREQ(
        moved.what(),
        "list /: refused (status 301). The server has /db/ elsewhere, at https://elsewhere/db/: correct webdav-url");
}

}  // namespace litestream::webdav
