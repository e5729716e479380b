#pragma once

#include "Origin.h"
#include "Pace.h"

#include <Poco/Net/Context.h>
#include <Poco/Net/Session.h>

#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace litestream::http {

/// A failure of TLS; Untrusted when this thread's handshake just refused the server's certificate.
ConnectionFailure tlsFailure(const char* step, const std::string& text);

/// The TLS contexts of one Http, one for each host, because the host's name is checked by OpenSSL itself; and the
/// last session with each, which makes the next handshake cheaper. Thread-safe.
class Tls {
public:
    /// `bundleVariable` names an environment variable, or is null.
    explicit Tls(const char* bundleVariable) : bundleVariable_(bundleVariable) {}

    /// Throws Error(InvalidArgument) when the bundle cannot be read.
    Poco::Net::Context::Ptr context(const std::string& host, const TlsPolicy& policy);

    Poco::Net::Session::Ptr session(const std::string& host, const TlsPolicy& policy);
    void remember(const std::string& host, const TlsPolicy& policy, Poco::Net::Session::Ptr session);

private:
    using Key = std::pair<std::string, bool>;  // host, verified or not

    const char* const bundleVariable_;
    std::mutex mutex_;  ///< guards both
    std::map<Key, Poco::Net::Context::Ptr> contexts_;
    std::map<Key, Poco::Net::Session::Ptr> sessions_;
};

}  // namespace litestream::http
