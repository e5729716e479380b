#pragma once

#include "Pace.h"

#include <Poco/Net/SocketAddress.h>

#include <string>
#include <vector>

namespace litestream::http {

/// The addresses of `host`, in the order in which they are to be tried. Throws ConnectionFailure: Lost when there are none, Silent and
/// Cancelled by `pace`.
std::vector<Poco::Net::SocketAddress> resolve(const std::string& host, std::uint16_t port, const Pace& pace);

}  // namespace litestream::http
