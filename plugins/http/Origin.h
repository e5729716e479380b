#pragma once

#include <cstdint>
#include <string>

namespace litestream::http {

/// Where to connect.
struct Origin {
    bool tls = true;
    std::string host;  ///< a name or an address, an IPv6 address without brackets
    std::uint16_t port = 443;

    bool operator==(const Origin&) const = default;
};

struct TlsPolicy {
    bool verify = true;  ///< false: any certificate is accepted
};

}  // namespace litestream::http
