#pragma once

#include "Http.h"
#include "PacedSocket.h"

#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPSession.h>

namespace litestream::http {

/// One HTTP/1.1 connection, plain or TLS, on Poco's buffered session. Headers and a small body leave in one write; long
/// bodies are read straight into their destination. Not thread-safe.
class Connection final : public Poco::Net::HTTPSession {
public:
    using Clock = std::chrono::steady_clock;

    explicit Connection(PacedSocketImpl* socket);
    explicit Connection(PacedSecureSocketImpl* socket);
    ~Connection() override = default;

    /// One request and its answer. `target` is what stands in the request line: the request's own, or a whole URL for a proxy. Throws
    /// ConnectionFailure; then the connection is of no more use.
    Response exchange(const Request& request, const std::string& target, Pace& pace, MutableBytes sink);

    int descriptor();
    bool secure() const noexcept { return secure_ != nullptr; }
    /// Some of the last answer has come.
    bool answered() const noexcept { return paced_->received(); }
    /// The last answer was read to its end and the server goes on listening.
    bool reusable() const noexcept { return reusable_; }
    /// How long the server said that it will keep an idle connection; zero when it said nothing.
    std::chrono::seconds serverIdle() const noexcept { return serverIdle_; }
    /// False when the server closed it meanwhile, or said something that nobody asked for.
    bool isQuiet();

    /// TLS only: what makes the next handshake with this server cheaper.
    Poco::Net::Session::Ptr session() { return secure_->currentSession(); }

    Clock::time_point idleSince;  ///< set by the pool

private:
    void send(const Request& request, const std::string& target, Pace& pace);
    void sendStream(Body& body, Pace& pace);
    void writeAll(std::string_view text);
    Poco::Net::HTTPResponse receiveHead();
    Poco::Net::HTTPResponse receiveHeadOf(const ConnectionFailure& refused);
    void receiveBody(const Request& request, const Poco::Net::HTTPResponse& head, Response& response, MutableBytes sink);
    void receiveCounted(std::uint64_t length, Response& response, MutableBytes sink);
    void receiveStream(std::istream& stream, Response& response, MutableBytes sink);
    void hand(std::istream& stream, const std::function<void(std::istream&)>& reader);
    std::size_t readFully(char* into, std::size_t length);
    [[noreturn]] void fail(const std::string& text);

    Paced* const paced_;
    PacedSecureSocketImpl* const secure_;
    bool reusable_ = false;
    std::chrono::seconds serverIdle_{0};
};

}  // namespace litestream::http
