#include "Server.h"

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Timespan.h>

#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace litestream::http {

std::string Peer::request() {
    char part[65536];
    std::size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
        const int got = socket_.receiveBytes(part, sizeof part);
        if (got <= 0) return {};
        buffer_.append(part, static_cast<std::size_t>(got));
    }
    const std::size_t field = buffer_.find("Content-Length: ");
    const std::size_t whole = end + 4 + (field < end ? std::stoul(buffer_.substr(field + 16)) : 0);
    while (buffer_.size() < whole) {
        const int got = socket_.receiveBytes(part, sizeof part);
        if (got <= 0) return {};
        buffer_.append(part, static_cast<std::size_t>(got));
    }
    const std::string request = buffer_.substr(0, whole);
    buffer_.erase(0, whole);
    return request;
}

std::string Peer::requestUntil(std::string_view end) {
    char part[65536];
    while (!buffer_.ends_with(end)) {
        const int got = socket_.receiveBytes(part, sizeof part);
        if (got <= 0) break;
        buffer_.append(part, static_cast<std::size_t>(got));
    }
    return std::exchange(buffer_, {});
}

void Peer::readSlowly(std::size_t bytes, std::chrono::milliseconds pause) {
    std::vector<char> part(64 * 1024);
    socket_.setReceiveBufferSize(static_cast<int>(part.size()));
    for (std::size_t taken = 0; taken < bytes;) {
        const int got = socket_.receiveBytes(part.data(), static_cast<int>(part.size()));
        if (got <= 0) return;
        taken += static_cast<std::size_t>(got);
        std::this_thread::sleep_for(pause);
    }
}

void Peer::send(const std::string& bytes) {
    for (std::size_t sent = 0; sent < bytes.size();) {
        sent += static_cast<std::size_t>(socket_.sendBytes(bytes.data() + sent, static_cast<int>(bytes.size() - sent)));
    }
}

void Peer::answer(int status, const std::string& body, const std::string& headers) {
    send("HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

void Peer::reset() {
    socket_.setLinger(true, 0);
    socket_.close();
}

void Peer::awaitClose() {
    char part[65536];
    while (socket_.receiveBytes(part, sizeof part) > 0) continue;
}

void Peer::relay(const Poco::Net::SocketAddress& other) {
    Poco::Net::StreamSocket far(other);
    char part[65536];
    for (;;) {
        Poco::Net::Socket::SocketList readable{socket_, far};
        Poco::Net::Socket::SocketList writable;
        Poco::Net::Socket::SocketList broken;
        Poco::Net::Socket::select(readable, writable, broken, Poco::Timespan(60, 0));
        for (const Poco::Net::Socket& ready : readable) {
            Poco::Net::StreamSocket& from = ready == socket_ ? socket_ : far;
            Poco::Net::StreamSocket& to = ready == socket_ ? far : socket_;
            const int got = from.receiveBytes(part, sizeof part);
            if (got <= 0) return;
            to.sendBytes(part, got);
        }
    }
}

Server::Server(Script script) : Server(Poco::Net::ServerSocket(Poco::Net::SocketAddress("127.0.0.1", 0)), std::move(script)) {}

Server::Server(Poco::Net::ServerSocket socket, Script script) : script_(std::move(script)), socket_(std::move(socket)) {
    port_ = socket_.address().port();
    accepting_ = std::thread([this] { accept(); });
}

Server::~Server() {
    {
        std::lock_guard lock(mutex_);
        ended_ = true;
        // Not by Poco: TLS would write its farewell beside what the connection's thread writes.
        for (const auto& socket : open_) ::shutdown(socket.impl()->sockfd(), SHUT_RDWR);
    }
    // Wakes the accepting thread.
    Poco::Net::StreamSocket(Poco::Net::SocketAddress("127.0.0.1", port_)).close();
    accepting_.join();
    for (std::thread& thread : threads_) thread.join();
}

void Server::accept() {
    for (;;) {
        Poco::Net::StreamSocket socket = socket_.acceptConnection();
        {
            std::lock_guard lock(mutex_);
            if (ended_) return;
            open_.push_back(socket);
        }
        threads_.emplace_back([this, socket, number = connections_++] {
            Peer peer(socket);
            try {
                script_(peer, number);
            } catch (const Poco::Exception&) {  // the client went away: what it saw is what the test looks at
            }
        });
    }
}

}  // namespace litestream::http
