#pragma once

#include "Http.h"

#include <litestream/Types.h>

#include <chrono>
#include <optional>
#include <string>

namespace litestream::http {

/// Reads HTTP's date: "Tue, 24 Nov 2026 13:27:39 GMT".
std::optional<Timestamp> parseHttpDate(const std::string& text);

/// How long the store asks to be left alone: its Retry-After, in seconds or as a date.
std::optional<std::chrono::milliseconds> retryAfterOf(const Response& response);

}  // namespace litestream::http
