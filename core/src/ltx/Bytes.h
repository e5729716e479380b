#pragma once

#include <litestream/Types.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

/// Integers as LTX stores them: big-endian, and unsigned LEB128 in the page index.
namespace litestream::ltx {

/// The longest varint of a 64-bit number.
inline constexpr std::size_t kMaxVarint = 10;

template <class Integer>
Integer toBigEndian(Integer value) noexcept {
    static_assert(std::endian::native == std::endian::little &&
                  (sizeof(Integer) == 2 || sizeof(Integer) == 4 || sizeof(Integer) == 8));
    if constexpr (sizeof(Integer) == 2) return __builtin_bswap16(value);
    if constexpr (sizeof(Integer) == 4) return __builtin_bswap32(value);
    if constexpr (sizeof(Integer) == 8) return __builtin_bswap64(value);
}

/// Reads an unsigned integer at `from`; the caller vouches for its bytes.
template <class Integer>
Integer load(const std::byte* from) noexcept {
    Integer value;
    std::memcpy(&value, from, sizeof(value));
    return toBigEndian(value);
}

template <class Integer>
void store(std::byte* to, Integer value) noexcept {
    value = toBigEndian(value);
    std::memcpy(to, &value, sizeof(value));
}

/// Writes `value` at `to`, which has room for kMaxVarint bytes; returns the first byte behind it.
inline std::byte* storeVarint(std::byte* to, std::uint64_t value) noexcept {
    for (; value >= 0x80; value >>= 7) *to++ = static_cast<std::byte>(value | 0x80);
    *to++ = static_cast<std::byte>(value);
    return to;
}

/// Takes one varint from the front of `bytes`. Nothing when they end inside it or it does not fit 64 bits.
inline std::optional<std::uint64_t> takeVarint(ConstBytes& bytes) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size() && i < kMaxVarint; ++i) {
        const auto byte = std::to_integer<std::uint64_t>(bytes[i]);
        if (i == kMaxVarint - 1 && byte > 1) return std::nullopt;
        value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            bytes = bytes.subspan(i + 1);
            return value;
        }
    }
    return std::nullopt;
}

/// Appends one entry of the page index.
inline void appendIndexEntry(std::vector<std::byte>& index, PageNumber page, std::uint64_t offset, std::uint64_t size) {
    std::byte entry[3 * kMaxVarint];
    std::byte* end = storeVarint(storeVarint(storeVarint(entry, page), offset), size);
    index.insert(index.end(), entry, end);
}

}  // namespace litestream::ltx
