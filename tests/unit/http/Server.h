#pragma once

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>

#include "http/Origin.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace litestream::http {

/// One connection as the server sees it.
class Peer {
public:
    explicit Peer(Poco::Net::StreamSocket socket) : socket_(std::move(socket)) {}

    /// The next request: head and body. "" when the client closed.
    std::string request();
    /// What comes until it ends with `end`, or until the client closes.
    std::string requestUntil(std::string_view end);
    /// Takes `bytes` and more off the line, 64 KiB at a time with a pause between; what waits does so on the client's side.
    void readSlowly(std::size_t bytes, std::chrono::milliseconds pause);
    void send(const std::string& bytes);
    /// An answer with a length, that keeps the connection.
    void answer(int status, const std::string& body, const std::string& headers = {});
    /// Ends the connection with a reset instead of a close.
    void reset();
    void close() { socket_.close(); }
    /// Carries bytes between the client and `other`, until either closes.
    void relay(const Poco::Net::SocketAddress& other);
    /// Returns when the client closed or the server ends.
    void awaitClose();

private:
    Poco::Net::StreamSocket socket_;
    std::string buffer_;
};

/// A server on loopback that does to each connection what a test says, on a thread of its own. The number counts connections from 0.
class Server {
public:
    using Script = std::function<void(Peer&, int number)>;

    explicit Server(Script script);
    /// On a socket of one's own that listens already: one for TLS.
    Server(Poco::Net::ServerSocket socket, Script script);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    Origin origin() const { return {false, "127.0.0.1", port_}; }
    std::uint16_t port() const { return port_; }
    int connections() const { return connections_; }

private:
    void accept();

    const Script script_;
    Poco::Net::ServerSocket socket_;
    std::uint16_t port_ = 0;
    std::atomic<int> connections_{0};
    std::mutex mutex_;  ///< guards the two below
    bool ended_ = false;
    std::vector<Poco::Net::StreamSocket> open_;
    std::vector<std::thread> threads_;  ///< of the accepting thread
    std::thread accepting_;
};

}  // namespace litestream::http
