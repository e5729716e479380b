#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace litestream {

/// As Go prints a duration: "1h30m0s", "1.5s", "976ms", "866.322µs", "0s". The reading side is parseDuration() of the
/// SDK.
std::string formatDuration(std::chrono::nanoseconds duration);

/// Bytes for people, in powers of 1000: "0 B", "4.2 kB", "21 kB".
std::string formatSize(std::uint64_t bytes);

}  // namespace litestream
