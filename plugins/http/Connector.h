#pragma once

#include "Connection.h"
#include "Http.h"
#include "Proxy.h"
#include "Tls.h"

#include <memory>
#include <optional>

namespace litestream::http {

/// Makes connections: looks names up, tries a host's addresses in turn, asks a proxy for a tunnel, does the TLS handshake.
/// Thread-safe.
class Connector {
public:
    explicit Connector(HttpSettings settings) : settings_(settings), tls_(settings.bundleVariable) {}

    /// A connection to `origin`, over `proxy` if there is one. Throws ConnectionFailure and what Tls throws.
    std::unique_ptr<Connection> connect(const Origin& origin, const TlsPolicy& policy, const std::optional<Proxy>& proxy,
                                        const CallContext& context);

    /// To be called after the first exchange: only then does TLS 1.3 have a session to keep.
    void remember(const Origin& origin, const TlsPolicy& policy, Connection& connection);

private:
    const HttpSettings settings_;
    Tls tls_;
};

/// Shuts the socket down as soon as the context is cancelled, which wakes whoever waits for it. Must end before the socket.
std::shared_ptr<void> shutDownOnCancel(int descriptor, const CallContext& context);

}  // namespace litestream::http
