#pragma once

#include "Origin.h"

#include <litestream/Call.h>
#include <litestream/Transport.h>

#include <chrono>
#include <functional>
#include <istream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace litestream::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// One HTTP request. Host, Content-Length and User-Agent are added when they are missing.
struct Request {
    std::string method = {};
    std::string target;  ///< "/path?query", encoded
    Headers headers = {};
    ConstBytes body = {};
    /// In place of `body`, for a long one: read while it is sent, from where it stands; with a length if it knows its size, else in chunks.
    /// What its methods throw passes unchanged.
    Body* stream = nullptr;
    /// Takes the body of a successful answer while it comes, in place of the sink. It may stop before the end. What it throws passes
    /// unchanged, unless the connection is to blame.
    std::function<void(std::istream&)> reader = {};
    /// How long no byte may move, either way, before the connection is given up.
    std::chrono::milliseconds patience{8'000};
};

struct Response {
    int status = 0;
    Headers headers;
    std::string body;          ///< the answer's body, unless it went into the sink
    std::size_t received = 0;  ///< bytes that went into the sink

    /// The first header of that name, in any case; "" when there is none.
    std::string_view header(std::string_view name) const noexcept;
    bool succeeded() const noexcept { return status >= 200 && status < 300; }
};

/// "host" or "host:port", the port only where it is not the scheme's own: the Host header.
std::string authority(const Origin& origin);
/// "https://host:port"
std::string urlOf(const Origin& origin);

struct HttpSettings {
    /// The environment variable that may name a file with further certificates to trust; null = there is none.
    const char* bundleVariable = nullptr;
    std::chrono::milliseconds connect{8'000};  ///< connecting and the TLS handshake, each
    /// An idle connection is not used again after this time, or a second before the time that the server names.
    std::chrono::milliseconds idle{15'000};
    std::size_t maxIdle = 64;  ///< per origin
};

/// HTTP over pooled connections. One object serves all that a process asks of its stores and of the services that give
/// credentials. Thread-safe.
///
/// A connection that the server closed while it was idle is replaced silently: one that is known to be closed is not used,
/// and a reset before the first byte of the answer, on a connection that had served before, leads to one further attempt on a new
/// one. So a request may arrive twice: ours are idempotent or conditional.
///
/// Proxies: HTTP_PROXY, HTTPS_PROXY, NO_PROXY and their lower-case forms, never for loopback and link-local addresses.
/// Trust: the system's certificates and those of the bundle; SSL_CERT_FILE and SSL_CERT_DIR replace the system's.
/// The process ignores SIGPIPE: OpenSSL's writes raise it.
class Http {
public:
    explicit Http(HttpSettings settings = {});
    ~Http();
    Http(const Http&) = delete;
    Http& operator=(const Http&) = delete;

    /// Sends a request and waits for the whole answer, whatever its status. Body bytes of a successful answer go into `sink` if there is
    /// one, up to its length; those of other answers into Response::body.
    /// Throws Error(Transient) for failures of the connection, "send request failed: Put "https://host/path": read: connection reset by
    /// peer"; Error(Denied) for a certificate that is not trusted; Error(Cancelled) by the context. No text shows a query or a header.
    Response exchange(const Origin& origin, const TlsPolicy& tls, const Request& request, const CallContext& context,
                      MutableBytes sink = {});

private:
    class Pool;
    std::unique_ptr<Pool> pool_;
};

}  // namespace litestream::http
