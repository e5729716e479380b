#pragma once

#include "Environment.h"
#include "Origin.h"

#include <litestream/Secret.h>

#include <optional>
#include <string>

namespace litestream::http {

struct Proxy {
    std::string host;
    std::uint16_t port = 80;
    Secret authorization;  ///< value of Proxy-Authorization, empty without credentials
};

/// The proxy for requests to `origin`: HTTPS_PROXY or HTTP_PROXY by its scheme, unless NO_PROXY names it or it is this very
/// machine or a link-local address. The lower-case forms count where the upper-case ones are not set. Throws Error(InvalidArgument) for a value that is no
/// http:// URL.
std::optional<Proxy> proxyFor(const Origin& origin, const Environment& environment = processEnvironment());

}  // namespace litestream::http
