#pragma once

#include "Pace.h"

#include <Poco/Net/SecureStreamSocketImpl.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Net/StreamSocketImpl.h>

#include <optional>

namespace litestream::http {

/// Sockets whose every wait keeps to the Pace of the request at hand. They never block otherwise, and report failures as
/// ConnectionFailure, which they also keep: streams between them and the caller swallow exceptions.
class Paced {
public:
    void begin(Pace& pace) noexcept {
        pace_ = &pace;
        failure_.reset();
        received_ = false;
        ended_ = false;
    }
    /// The failure that ended the request, if any.
    const std::optional<ConnectionFailure>& failure() const noexcept { return failure_; }
    /// A byte of the answer has come.
    bool received() const noexcept { return received_; }
    /// The server has closed its side.
    bool ended() const noexcept { return ended_; }

protected:
    ~Paced() = default;

    /// `send` and `receive` do one step without waiting; both return the bytes moved, or below 0 when they would wait.
    template <class Step>
    int sendAll(int descriptor, const char* bytes, int length, Step&& send);
    template <class Step>
    int receiveSome(int descriptor, Step&& receive);

    Pace* pace_ = nullptr;
    std::optional<ConnectionFailure> failure_;
    bool received_ = false;
    bool ended_ = false;
};

class PacedSocketImpl final : public Poco::Net::StreamSocketImpl, public Paced {
public:
    int sendBytes(const void* buffer, int length, int flags) override;
    int receiveBytes(void* buffer, int length, int flags) override;
};

/// TLS over a connected, non-blocking socket.
class PacedSecureSocketImpl final : public Poco::Net::SecureStreamSocketImpl, public Paced {
public:
    PacedSecureSocketImpl(Poco::Net::StreamSocketImpl* socket, Poco::Net::Context::Ptr context)
        : SecureStreamSocketImpl(socket, std::move(context)) {}

    /// begin() came before. `host` goes into the handshake for servers with many names; `session` may be null.
    void handshake(const std::string& host, Poco::Net::Session::Ptr session);
    int sendBytes(const void* buffer, int length, int flags) override;
    int receiveBytes(void* buffer, int length, int flags) override;
};

/// Poco's socket handle for an implementation of one's own.
class SocketHandle final : public Poco::Net::StreamSocket {
public:
    explicit SocketHandle(Poco::Net::SocketImpl* impl) : StreamSocket(impl) {}
};

}  // namespace litestream::http
