#pragma once

#include <litestream/Types.h>

#include <optional>
#include <string>

namespace litestream::s3 {

/// As upstream writes it into an object's metadata: RFC 3339 in UTC, the fraction without trailing zeros, none when it is zero.
std::string formatTimestamp(Timestamp timestamp);

/// Reads RFC 3339 with any number of fraction digits and any offset.
std::optional<Timestamp> parseTimestamp(const std::string& text);

}  // namespace litestream::s3
