#include "Connector.h"

#include "Resolver.h"

#include <Poco/AutoPtr.h>
#include <Poco/Net/NetException.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

namespace litestream::http {

namespace {

using Socket = Poco::AutoPtr<PacedSocketImpl>;
using Poco::Net::SocketAddress;

/// Data that nobody acknowledges for this long means a dead line: the kernel then ends the connection. Keep-alive probes find one
/// out that is dead while we wait for an answer, however long a living server may take for it.
constexpr int kUnacknowledgedMs = 8000;
constexpr int kProbeAfterSeconds = 4;
constexpr int kProbeEverySeconds = 2;
constexpr int kProbes = 2;

void setOptions(PacedSocketImpl& socket) {
    socket.setOption(IPPROTO_TCP, TCP_NODELAY, 1);
    socket.setOption(SOL_SOCKET, SO_KEEPALIVE, 1);
    socket.setOption(IPPROTO_TCP, TCP_KEEPIDLE, kProbeAfterSeconds);
    socket.setOption(IPPROTO_TCP, TCP_KEEPINTVL, kProbeEverySeconds);
    socket.setOption(IPPROTO_TCP, TCP_KEEPCNT, kProbes);
    socket.setOption(IPPROTO_TCP, TCP_USER_TIMEOUT, kUnacknowledgedMs);
}

Socket connectTo(const SocketAddress& address, Pace pace) {
    const std::string step = "dial " + address.toString();
    Socket socket(new PacedSocketImpl);
    try {
        socket->connectNB(address);
        // Not for the children of the program.
        ::fcntl(socket->sockfd(), F_SETFD, FD_CLOEXEC);
        const auto guard = shutDownOnCancel(socket->sockfd(), pace.context());
        pace.wait(socket->sockfd(), POLLOUT, step.c_str());
        pace.check();
        if (const int error = socket->socketError(); error != 0) throw lostBy(step.c_str(), error);
        setOptions(*socket);
    } catch (const Poco::Exception& exception) {
        throw lostBy(step.c_str(), exception.code());
    }
    return socket;
}

Socket connectToAny(const std::string& host, std::uint16_t port, std::chrono::milliseconds limit, const CallContext& context) {
    const std::vector<SocketAddress> addresses = resolve(host, port, Pace(context, limit));
    // An address that does not answer must not use up the time of those behind it.
    const auto each = std::max<std::chrono::milliseconds>(limit / std::max<std::size_t>(addresses.size(), 1), std::chrono::seconds(2));
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        try {
            return connectTo(addresses[i], Pace(context, each));
        } catch (const ConnectionFailure& failure) {
            if (failure.kind() == ConnectionFailure::Kind::Cancelled || i + 1 == addresses.size()) throw;
        }
    }
    throw ConnectionFailure(ConnectionFailure::Kind::Lost, "lookup " + host + ": no address");
}

void openTunnel(PacedSocketImpl& socket, const Origin& origin, const Proxy& proxy, Pace& pace) {
    const std::string host = origin.host.find(':') == std::string::npos ? origin.host : "[" + origin.host + "]";
    const std::string target = host + ":" + std::to_string(origin.port);
    Request request{.method = "CONNECT", .target = target, .headers = {{"Host", target}}, .body = {}};
    if (!proxy.authorization.empty()) request.headers.emplace_back("Proxy-Authorization", proxy.authorization.reveal());
    socket.duplicate();
    Connection connection(&socket);
    const Response response = connection.exchange(request, target, pace, {});
    if (!response.succeeded()) {
        throw ConnectionFailure(ConnectionFailure::Kind::Lost, "proxy " + proxy.host + ":" + std::to_string(proxy.port) +
                                                                   " refused the tunnel (status " + std::to_string(response.status) + ")");
    }
    // The session would close the socket that the tunnel goes on with.
    connection.detachSocket();
}

}  // namespace

std::shared_ptr<void> shutDownOnCancel(int descriptor, const CallContext& context) {
    return context.cancellation.onCancel([descriptor] { ::shutdown(descriptor, SHUT_RDWR); });
}

std::unique_ptr<Connection> Connector::connect(const Origin& origin, const TlsPolicy& policy, const std::optional<Proxy>& proxy,
                                               const CallContext& context) {
    // Before any packet: a wrong bundle is no failure of the connection.
    const Poco::Net::Context::Ptr tls = origin.tls ? tls_.context(origin.host, policy) : nullptr;
    Socket socket = proxy ? connectToAny(proxy->host, proxy->port, settings_.connect, context)
                          : connectToAny(origin.host, origin.port, settings_.connect, context);
    if (!origin.tls) return std::make_unique<Connection>(socket.duplicate());

    Pace pace(context, settings_.connect);
    const auto guard = shutDownOnCancel(socket->sockfd(), context);
    if (proxy) openTunnel(*socket, origin, *proxy, pace);
    Poco::AutoPtr<PacedSecureSocketImpl> secure(new PacedSecureSocketImpl(socket.get(), tls));
    secure->begin(pace);
    secure->handshake(origin.host, tls_.session(origin.host, policy));
    return std::make_unique<Connection>(secure.duplicate());
}

void Connector::remember(const Origin& origin, const TlsPolicy& policy, Connection& connection) {
    if (connection.secure()) tls_.remember(origin.host, policy, connection.session());
}

}  // namespace litestream::http
