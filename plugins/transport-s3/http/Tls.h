#pragma once

#include "../base/Origin.h"
#include "Pace.h"

#include <Poco/Net/Context.h>
#include <Poco/Net/Session.h>

#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace litestream::s3 {

/// A failure of TLS; Untrusted when this thread's handshake just refused the server's certificate.
ConnectionFailure tlsFailure(const char* step, const std::string& text);

/// The TLS contexts of one Http, one for each host, because the host's name is checked by OpenSSL itself; and the
/// last session with each, which makes the next handshake cheaper. Thread-safe.
class Tls {
public:
    /// Throws Error(InvalidArgument) when AWS_CA_BUNDLE cannot be read.
    Poco::Net::Context::Ptr context(const std::string& host, const TlsPolicy& policy);

    Poco::Net::Session::Ptr session(const std::string& host, const TlsPolicy& policy);
    void remember(const std::string& host, const TlsPolicy& policy, Poco::Net::Session::Ptr session);

private:
    using Key = std::pair<std::string, bool>;  // host, verified or not

    std::mutex mutex_;  ///< guards both
    std::map<Key, Poco::Net::Context::Ptr> contexts_;
    std::map<Key, Poco::Net::Session::Ptr> sessions_;
};

}  // namespace litestream::s3
