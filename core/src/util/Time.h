#pragma once

#include <litestream/Types.h>

#include <optional>
#include <string>
#include <string_view>

namespace litestream {

/// "2026-01-02T03:04:05Z"; the fraction is cut off.
std::string formatRfc3339(Timestamp time);

/// Reads RFC 3339 with a zone and, if present, a fraction, of which milliseconds are kept. Nothing when it is not that.
std::optional<Timestamp> parseRfc3339(std::string_view text);

}  // namespace litestream
