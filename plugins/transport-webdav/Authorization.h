#pragma once

#include "http/Http.h"

#include <litestream/Secret.h>

#include <Poco/Net/HTTPDigestCredentials.h>

#include <memory>
#include <mutex>
#include <string>

namespace litestream::webdav {

/// Logs in with a password: Basic or Digest (RFC 7617, RFC 7616 with MD5), whichever the server asks for. Where the line is not
/// encrypted, a server that offers Digest never sees the password, so the first request goes without it. Thread-safe.
class Authorization {
public:
    /// `isEncrypted`: the requests go through TLS.
    Authorization(const std::string& username, const Secret& password, bool isEncrypted);

    /// The value of the Authorization header for one request; "" = none yet. A Digest value serves once.
    std::string header(const std::string& method, const std::string& target);

    /// Reads what a refusal (status 401) asks for. True when header() now gives what may be accepted, where `sent` was not.
    bool learn(const http::Response& refusal, const std::string& sent);

private:
    enum class Scheme { None, Basic, Digest };

    bool isDigestAcceptable(const std::string& challenge, const std::string& sent);

    const bool hasCredentials_;
    const bool isEncrypted_;
    const Secret basic_;
    std::mutex mutex_;  ///< guards what follows
    Scheme scheme_ = Scheme::None;
    Poco::Net::HTTPDigestCredentials digest_;
    std::string nonce_;      ///< of the challenge in use
    std::string challenge_;  ///< not yet answered, without the scheme; "" = answered
};

}  // namespace litestream::webdav
