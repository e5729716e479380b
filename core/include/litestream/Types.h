#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

namespace litestream {

/// A run of bytes that somebody else owns.
using ConstBytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

/// SQLite's page number, from 1 to 2^32-2. Zero means "no page".
using PageNumber = std::uint32_t;

/// LTX's transaction number. Zero means "none"; a replica's first transaction is 1. One TXID may hold
/// several transactions of the application, never a part of one.
struct Txid {
    std::uint64_t value = 0;

    auto operator<=>(const Txid&) const = default;
    explicit operator bool() const noexcept { return value != 0; }
    Txid next() const noexcept { return Txid{value + 1}; }
};

/// Milliseconds since 1970-01-01T00:00:00Z, as in an LTX header.
struct Timestamp {
    std::int64_t milliseconds = 0;

    auto operator<=>(const Timestamp&) const = default;
};

/// True for the eight page sizes that SQLite and LTX know: the powers of two from 512 to 65536.
constexpr bool isPageSize(std::uint32_t bytes) noexcept {
    return bytes >= 512 && bytes <= 65536 && (bytes & (bytes - 1)) == 0;
}

/// The page that contains byte 2^30 of a database. SQLite locks bytes of it and never stores content there, so
/// it is never captured, never in an LTX file, and zeros after a restore.
/// Source: https://sqlite.org/fileformat2.html, "The Lock-Byte Page".
constexpr PageNumber lockPage(std::uint32_t pageSize) noexcept { return 0x40000000u / pageSize + 1; }

}  // namespace litestream
