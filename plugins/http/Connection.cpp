#include "Connection.h"

#include <litestream/Error.h>

#include <Poco/Net/HTTPChunkedStream.h>
#include <Poco/Net/HTTPFixedLengthStream.h>
#include <Poco/Net/HTTPHeaderStream.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPStream.h>
#include <Poco/Net/NetException.h>
#include <Poco/NumberFormatter.h>
#include <Poco/NumberParser.h>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <streambuf>
#include <utility>

namespace litestream::http {

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
    if (request.stream != nullptr && !request.stream->size()) {
        head.setChunkedTransferEncoding(true);
    } else if (request.stream != nullptr) {
        head.setContentLength64(static_cast<Poco::Int64>(*request.stream->size()));
    } else if (!request.body.empty() || request.method == "PUT" || request.method == "POST") {
        head.setContentLength64(static_cast<Poco::Int64>(request.body.size()));
    }
    std::ostringstream text;
    head.write(text);
    return std::move(text).str();
}

/// Poco's stream of a body, whose end may be asked for more than once: a chunked one would wait for another chunk.
class BodyBuffer final : public std::streambuf {
public:
    explicit BodyBuffer(std::istream& from) : from_(from) {}

protected:
    int_type underflow() override {
        if (from_) from_.read(part_, sizeof part_);
        const auto got = std::exchange(ended_, !from_) ? 0 : from_.gcount();  // the last read brings bytes and the end
        setg(part_, part_, part_ + got);
        return got == 0 ? traits_type::eof() : traits_type::to_int_type(*part_);
    }

private:
    std::istream& from_;
    bool ended_ = false;
    char part_[16384];
};

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
        send(request, target, pace);
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

void Connection::writeAll(std::string_view text) {
    write(text.data(), static_cast<std::streamsize>(text.size()));
}

void Connection::sendStream(Body& body, Pace& pace) {
    const auto size = body.size();
    std::uint64_t sent = 0;
    for (ConstBytes run = body.next(); !run.empty(); run = body.next()) {
        pace.moved();  // it was the body that took its time
        sent += run.size();
        if (size && sent > *size) break;
        const std::string_view bytes(reinterpret_cast<const char*>(run.data()), run.size());
        if (!size) writeAll(Poco::NumberFormatter::formatHex(static_cast<Poco::UInt64>(run.size())) + "\r\n");
        writeAll(bytes);
        if (!size) writeAll("\r\n");
    }
    if (size && sent != *size) throw Error(ErrorCode::Transient, "send body: its length is not the " + std::to_string(*size) + " bytes that it told");
    if (!size) writeAll("0\r\n\r\n");
}

void Connection::send(const Request& request, const std::string& target, Pace& pace) {
    std::string text = headerText(request, target);
    if (request.stream != nullptr) {
        writeAll(text);
        return sendStream(*request.stream, pace);
    }
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
    const bool read = request.reader && response.succeeded();
    const int status = response.status;
    if (request.method == "HEAD" || status == HTTPResponse::HTTP_NO_CONTENT || status == HTTPResponse::HTTP_NOT_MODIFIED) return;
    // What follows a successful CONNECT belongs to the tunnel.
    if (request.method == "CONNECT" && response.succeeded()) return;
    if (head.getChunkedTransferEncoding()) {
        Poco::Net::HTTPChunkedInputStream stream(*this);
        read ? hand(stream, request.reader) : receiveStream(stream, response, sink);
        if (paced_->ended()) fail("read: connection closed by peer within its answer");
    } else if (head.hasContentLength()) {
        const Poco::Int64 length = head.getContentLength64();
        if (length < 0) fail("read: the answer has no valid Content-Length");
        if (!read) return receiveCounted(static_cast<std::uint64_t>(length), response, sink);
        Poco::Net::HTTPFixedLengthInputStream stream(*this, length);
        hand(stream, request.reader);
        if (paced_->ended()) fail("read: connection closed by peer within its answer");
    } else {
        Poco::Net::HTTPInputStream stream(*this);
        read ? hand(stream, request.reader) : receiveStream(stream, response, sink);
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

void Connection::hand(std::istream& stream, const std::function<void(std::istream&)>& reader) {
    BodyBuffer buffer(stream);
    try {
        std::istream body(&buffer);
        reader(body);
    } catch (...) {
        // What it saw was the end of the connection.
        if (paced_->failure()) throw *paced_->failure();
        throw;
    }
    reusable_ = buffer.sgetc() == std::char_traits<char>::eof();
    if (paced_->failure()) throw *paced_->failure();
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

}  // namespace litestream::http
