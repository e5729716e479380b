#include "PacedSocket.h"

#include "Tls.h"

#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SecureStreamSocket.h>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace litestream::http {

namespace {

/// A slice that goes out at a time: small enough that a slow line shows progress.
constexpr int kSlice = 256 * 1024;
/// What Poco returns in place of a byte count when TLS has to write before it can read, and the other way round.
constexpr int kWantsWrite = Poco::Net::SecureStreamSocket::ERR_SSL_WANT_WRITE;
constexpr int kWantsRead = Poco::Net::SecureStreamSocket::ERR_SSL_WANT_READ;

/// Runs one step of Poco's and translates what it throws.
template <class Step>
auto translated(const char* name, Step&& step) {
    try {
        return step();
    } catch (const Poco::Net::SSLConnectionUnexpectedlyClosedException&) {
        throw lostBy(name, ECONNRESET);
    } catch (const Poco::Net::SSLException& exception) {
        throw tlsFailure(name, exception.message());
    } catch (const Poco::Exception& exception) {
        if (exception.code() > 0) throw lostBy(name, exception.code());
        throw ConnectionFailure(ConnectionFailure::Kind::Lost, std::string(name) + ": " + exception.displayText());
    }
}

}  // namespace

template <class Step>
int Paced::sendAll(int descriptor, const char* bytes, int length, Step&& send) {
    try {
        int sent = 0;
        while (sent < length) {
            const int moved = translated("write", [&] { return send(bytes + sent, std::min(length - sent, kSlice)); });
            if (moved > 0) {
                sent += moved;
                pace_->moved();
                if (sent < length) pace_->check();
            } else {
                pace_->wait(descriptor, moved == kWantsRead ? POLLIN : POLLOUT, "write");
            }
        }
        return sent;
    } catch (const ConnectionFailure& failure) {
        failure_ = failure;
        throw;
    }
}

template <class Step>
int Paced::receiveSome(int descriptor, Step&& receive) {
    try {
        // The answer to what was just sent cannot be there yet.
        if (!received_) pace_->wait(descriptor, POLLIN, "read");
        for (;;) {
            const int moved = translated("read", receive);
            if (moved >= 0) {
                // The shutdown that wakes a cancelled call looks like the end of the stream.
                pace_->check();
                if (moved > 0) {
                    received_ = true;
                    pace_->moved();
                } else {
                    ended_ = true;
                }
                return moved;
            }
            pace_->wait(descriptor, moved == kWantsWrite ? POLLOUT : POLLIN, "read");
        }
    } catch (const ConnectionFailure& failure) {
        failure_ = failure;
        throw;
    }
}

int PacedSocketImpl::sendBytes(const void* buffer, int length, int flags) {
    return sendAll(sockfd(), static_cast<const char*>(buffer), length, [&](const char* bytes, int part) {
        // Poco's own throws where a socket that does not block would have to wait.
        const ssize_t moved = ::send(sockfd(), bytes, static_cast<std::size_t>(part), flags | MSG_NOSIGNAL);
        if (moved >= 0) return static_cast<int>(moved);
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return kWantsWrite;
        throw lostBy("write", errno);
    });
}

int PacedSocketImpl::receiveBytes(void* buffer, int length, int flags) {
    return receiveSome(sockfd(), [&] {
        const int moved = SocketImpl::receiveBytes(buffer, length, flags);
        return moved < 0 ? kWantsRead : moved;
    });
}

void PacedSecureSocketImpl::handshake(const std::string& host, Poco::Net::Session::Ptr session) {
    setPeerHostName(host);
    if (!session.isNull()) useSession(session);
    translated("tls handshake", [&] { connectSSL(); return 0; });
    for (;;) {
        const int status = translated("tls handshake", [&] { return completeHandshake(); });
        pace_->check();
        if (status > 0) return;
        if (status == 0) throw lostBy("tls handshake", ECONNRESET);
        pace_->wait(sockfd(), status == kWantsWrite ? POLLOUT : POLLIN, "tls handshake");
    }
}

int PacedSecureSocketImpl::sendBytes(const void* buffer, int length, int flags) {
    return sendAll(sockfd(), static_cast<const char*>(buffer), length,
                   [&](const char* bytes, int part) { return SecureStreamSocketImpl::sendBytes(bytes, part, flags); });
}

int PacedSecureSocketImpl::receiveBytes(void* buffer, int length, int flags) {
    return receiveSome(sockfd(), [&] { return SecureStreamSocketImpl::receiveBytes(buffer, length, flags); });
}

}  // namespace litestream::http
