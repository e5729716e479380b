#pragma once

#include "util/Log.h"

#include <chrono>
#include <string>

namespace litestream::log {

/// One line without its newline, as upstream's logger writes it.
/// `zoneOffset` is the local zone's distance from UTC.
std::string formatLine(Format format, std::chrono::system_clock::time_point time, std::chrono::seconds zoneOffset,
                       Level level, std::string_view message, const Attribute* attributes, std::size_t count);

}  // namespace litestream::log
