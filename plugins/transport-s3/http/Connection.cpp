#include "Connection.h"

#include <Poco/Net/HTTPChunkedStream.h>
#include <Poco/Net/HTTPHeaderStream.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPStream.h>
#include <Poco/Net/NetException.h>
#include <Poco/NumberParser.h>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <sstream>

namespace litestream::s3 {

namespace {

using Poco::Net::HTTPRequest;
using Poco::Net::HTTPResponse;

/// A body up to this length leaves together with its header.
constexpr std::size_t kJoined = 64 * 1024;
/// Longest answer that is kept as a document: far above a listing of 1000 keys.
constexpr std::size_t kLongestDocument = 16 * 1024 * 1024;
constexpr std::size_t kReadStep = 1024 * 1024;

/// The value of "timeout" in "Keep-Alive: timeout=5, max=100".
std::chrono::seconds keepAliveTimeout(const std::string& value) {
    const std::size_t begin = value.find("timeout=");
    if (begin == std::string::npos) return {};
    const std::size_t digits = begin + 8;
    unsigned seconds = 0;
    if (!Poco::NumberParser::tryParseUnsigned(value.substr(digits, value.find_first_not_of("0123456789", digits) - digits), seconds)) {
        return {};
    }
    return std::chrono::seconds(seconds);
}

std::string headerText(const Request& request, const std::string& target) {
    HTTPRequest head(request.method, target, HTTPRequest::HTTP_1_1);
    for (const auto& [name, value] : request.headers) head.add(name, value);
    if (!request.body.empty() || request.method == "PUT" || request.method == "POST") {
        head.setContentLength64(static_cast<Poco::Int64>(request.body.size()));
    }
    std::ostringstream text;
    head.write(text);
    return std::move(text).str();
}

}  // namespace

Connection::Connection(PacedSocketImpl* socket)
    : HTTPSession(SocketHandle(socket), true), paced_(socket), secure_(nullptr) {}

Connection::Connection(PacedSecureSocketImpl* socket)
    : HTTPSession(SocketHandle(socket), true), paced_(socket), secure_(socket) {}

int Connection::descriptor() { return socket().impl()->sockfd(); }

bool Connection::isQuiet() {
    char byte = 0;
    return buffered() == 0 && ::recv(descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

void Connection::fail(const std::string& text) {
    if (paced_->failure()) throw *paced_->failure();
    throw ConnectionFailure(ConnectionFailure::Kind::Lost, text);
}

Response Connection::exchange(const Request& request, const std::string& target, Pace& pace, MutableBytes sink) {
    reusable_ = false;
    paced_->begin(pace);
    std::optional<ConnectionFailure> refused;
    try {
        send(request, target);
    } catch (const ConnectionFailure& failure) {
        // A server that refuses a body answers, and reads no more or closes; the answer says more than that.
        pollfd item{descriptor(), POLLIN, 0};
        if (failure.kind() == ConnectionFailure::Kind::Cancelled || ::poll(&item, 1, 0) <= 0 || (item.revents & POLLIN) == 0) throw;
        refused = failure;
        paced_->begin(pace);  // what comes next has failures of its own
    }
    pace.moved();

    const HTTPResponse head = refused ? receiveHeadOf(*refused) : receiveHead();
    Response response;
    response.status = static_cast<int>(head.getStatus());
    for (const auto& [name, value] : head) response.headers.emplace_back(name, value);
    receiveBody(request, head, response, sink);
    serverIdle_ = keepAliveTimeout(head.get("Keep-Alive", ""));
    reusable_ = reusable_ && !refused && head.getKeepAlive();
    return response;
}

/// The answer to a request that could not be sent to its end, which is why there may be none.
HTTPResponse Connection::receiveHeadOf(const ConnectionFailure& refused) {
    try {
        return receiveHead();
    } catch (const ConnectionFailure& failure) {
        if (failure.kind() == ConnectionFailure::Kind::Cancelled) throw;
        throw refused;
    }
}

void Connection::send(const Request& request, const std::string& target) {
    std::string text = headerText(request, target);
    const auto* body = reinterpret_cast<const char*>(request.body.data());
    const bool joined = request.body.size() <= kJoined;
    if (joined) text.append(body, request.body.size());
    write(text.data(), static_cast<std::streamsize>(text.size()));
    if (!joined) write(body, static_cast<std::streamsize>(request.body.size()));
}

HTTPResponse Connection::receiveHead() {
    HTTPResponse head;
    try {
        do {
            head.clear();
            if (peek() == std::char_traits<char>::eof()) fail("read: connection closed by peer before it answered");
            Poco::Net::HTTPHeaderInputStream stream(*this);
            head.read(stream);
        } while (head.getStatus() < 200);
    } catch (const Poco::Exception&) {
        fail("read: the answer is no HTTP");
    }
    return head;
}

void Connection::receiveBody(const Request& request, const HTTPResponse& head, Response& response, MutableBytes sink) {
    reusable_ = true;
    if (!response.succeeded()) sink = {};
    const int status = response.status;
    if (request.method == "HEAD" || status == HTTPResponse::HTTP_NO_CONTENT || status == HTTPResponse::HTTP_NOT_MODIFIED) return;
    // What follows a successful CONNECT belongs to the tunnel.
    if (request.method == "CONNECT" && response.succeeded()) return;
    if (head.getChunkedTransferEncoding()) {
        Poco::Net::HTTPChunkedInputStream stream(*this);
        receiveStream(stream, response, sink);
        if (paced_->ended()) fail("read: connection closed by peer within its answer");
    } else if (head.hasContentLength()) {
        const Poco::Int64 length = head.getContentLength64();
        if (length < 0) fail("read: the answer has no valid Content-Length");
        receiveCounted(static_cast<std::uint64_t>(length), response, sink);
    } else {
        Poco::Net::HTTPInputStream stream(*this);
        receiveStream(stream, response, sink);
        reusable_ = false;
    }
}

void Connection::receiveCounted(std::uint64_t length, Response& response, MutableBytes sink) {
    if (!sink.empty()) {
        const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(length, sink.size()));
        response.received = readFully(reinterpret_cast<char*>(sink.data()), wanted);
        if (response.received < wanted) {
            fail("read: the answer ended after " + std::to_string(response.received) + " of " + std::to_string(length) + " bytes");
        }
        reusable_ = wanted == length;
        return;
    }
    if (length > kLongestDocument) fail("read: the answer is too long, " + std::to_string(length) + " bytes");
    response.body.resize(static_cast<std::size_t>(length));
    if (readFully(response.body.data(), response.body.size()) < length) fail("read: connection closed by peer within its answer");
}

/// Poco reads into `into` itself when nothing of the body came along with the header.
std::size_t Connection::readFully(char* into, std::size_t length) {
    std::size_t filled = 0;
    while (filled < length) {
        const int got = read(into + filled, static_cast<std::streamsize>(std::min(length - filled, kReadStep)));
        if (got <= 0) break;
        filled += static_cast<std::size_t>(got);
    }
    return filled;
}

void Connection::receiveStream(std::istream& stream, Response& response, MutableBytes sink) {
    if (!sink.empty()) {
        stream.read(reinterpret_cast<char*>(sink.data()), static_cast<std::streamsize>(sink.size()));
        response.received = static_cast<std::size_t>(stream.gcount());
        reusable_ = stream.peek() == std::char_traits<char>::eof();
    } else {
        char part[16384];
        do {
            stream.read(part, sizeof part);
            response.body.append(part, static_cast<std::size_t>(stream.gcount()));
            if (response.body.size() > kLongestDocument) fail("read: the answer is too long");
        } while (stream);
    }
    if (paced_->failure()) throw *paced_->failure();
}

}  // namespace litestream::s3
