#pragma once

#include "Wire.h"
#include "http/Origin.h"

#include <string>
#include <string_view>

namespace litestream::s3 {

/// An endpoint cut into its parts.
struct Endpoint {
    Origin origin;     ///< host in lower case
    std::string path;  ///< encoded, "" or "/storage/v1/s3": no slash at its end
};

/// Reads "nyc3.digitaloceanspaces.com", "http://localhost:9000", "https://x.supabase.co/storage/v1/s3". Without a
/// scheme it is https. Throws Error(InvalidArgument): other schemes, user information (which may be a password and is
/// not shown), a query.
Endpoint parseEndpoint(std::string_view text);

bool hasScheme(std::string_view endpoint) noexcept;

/// An IPv4 or IPv6 address in text form.
bool isAddress(const std::string& host);

/// This machine or a private network: where http is the usual scheme of an endpoint in a URL's query.
bool isLocalHost(const std::string& host);

/// localhost, a loopback address or an RFC 1918 address: where a customer's key may travel without TLS.
bool isPrivateHost(const std::string& host);

std::string lowerCase(std::string_view text);

}  // namespace litestream::s3
