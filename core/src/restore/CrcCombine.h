#pragma once

#include <cstdint>

namespace litestream::restore {

/// The CRC-64 (as ltx::crc64 counts it) of two runs of bytes one behind the other, from the CRC of each and the length of the
/// second one. So the parts of a file can be read in any order, on any thread.
std::uint64_t combineCrc(std::uint64_t first, std::uint64_t second, std::uint64_t secondBytes) noexcept;

}  // namespace litestream::restore
