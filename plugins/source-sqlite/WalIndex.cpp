#include "WalIndex.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace litestream::sqlite {
namespace {

constexpr std::size_t kHeaderWords = 12;
constexpr std::size_t kChecksummedBytes = 40;
/// A writer needs well under a microsecond between the copies; a preempted one is waited for by the caller's next turn.
constexpr int kAttempts = 200;

using HeaderWords = std::array<std::uint32_t, kHeaderWords>;

/// Acquiring loads, so that a second copy is read after the first.
HeaderWords copy(const std::uint32_t* words) noexcept {
    HeaderWords result;
    for (std::size_t i = 0; i < kHeaderWords; ++i) result[i] = __atomic_load_n(words + i, __ATOMIC_ACQUIRE);
    return result;
}

}  // namespace

void WalChecksum::add(const std::byte* data, std::size_t bytes, bool bigEndian) noexcept {
    std::uint32_t a = s0;
    std::uint32_t b = s1;
    const bool swap = bigEndian != (std::endian::native == std::endian::big);
    for (std::size_t i = 0; i < bytes; i += 8) {
        std::uint32_t x;
        std::uint32_t y;
        std::memcpy(&x, data + i, 4);
        std::memcpy(&y, data + i + 4, 4);
        a += (swap ? __builtin_bswap32(x) : x) + b;
        b += (swap ? __builtin_bswap32(y) : y) + a;
    }
    s0 = a;
    s1 = b;
}

std::uint32_t bigEndian32(const std::byte* bytes) noexcept {
    std::uint32_t value;
    std::memcpy(&value, bytes, 4);
    return std::endian::native == std::endian::big ? value : __builtin_bswap32(value);
}

std::optional<WalIndexHeader> WalIndex::tryHeader() const noexcept {
    // Writers store the second copy first. Reading in the other order, equal copies are one writer's work.
    const HeaderWords words = copy(words_);
    if (words != copy(words_ + kHeaderWords)) return std::nullopt;

    const auto* bytes = reinterpret_cast<const std::byte*>(words.data());
    if (bytes[12] == std::byte{0}) return std::nullopt;
    WalChecksum checksum;
    checksum.add(bytes, kChecksummedBytes, std::endian::native == std::endian::big);
    if (checksum != WalChecksum{words[10], words[11]}) return std::nullopt;

    std::uint16_t szPage;
    std::memcpy(&szPage, bytes + 14, 2);
    WalIndexHeader header;
    header.iVersion = words[0];
    header.iChange = words[2];
    header.bigEndCksum = bytes[13] != std::byte{0};
    header.szPage = szPage == 1 ? 65536 : szPage;
    header.mxFrame = words[4];
    header.nPage = words[5];
    header.aFrameCksum = {words[6], words[7]};
    header.aSalt = {bigEndian32(bytes + 32), bigEndian32(bytes + 36)};
    return header;
}

std::optional<WalIndexHeader> WalIndex::header() const noexcept {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        if (auto header = tryHeader()) return header;
    }
    return std::nullopt;
}

WalIndex::LostHeader WalIndex::makeLostHeader() noexcept {
    LostHeader header{};
    const std::uint8_t isInit = 1;
    const std::uint16_t szPage = 4096;
    header[0] = kLostVersion;
    std::memcpy(reinterpret_cast<std::byte*>(header.data()) + 12, &isInit, 1);
    std::memcpy(reinterpret_cast<std::byte*>(header.data()) + 14, &szPage, 2);
    header[4] = 0xffffffff;  // mxFrame: whoever watches it takes notice
    WalChecksum checksum;
    checksum.add(reinterpret_cast<const std::byte*>(header.data()), kChecksummedBytes,
                 std::endian::native == std::endian::big);
    header[10] = checksum.s0;
    header[11] = checksum.s1;
    std::copy_n(header.begin(), kHeaderWords, header.begin() + kHeaderWords);
    return header;
}

bool WalIndex::unchangedSince(const WalIndexHeader& header) const noexcept {
    // The second copy is written first.
    const std::uint32_t* second = words_ + kHeaderWords;
    return __atomic_load_n(second + 2, __ATOMIC_RELAXED) == header.iChange &&
           __atomic_load_n(second + 4, __ATOMIC_RELAXED) == header.mxFrame &&
           bigEndian32(reinterpret_cast<const std::byte*>(second + 8)) == header.aSalt.salt1 &&
           bigEndian32(reinterpret_cast<const std::byte*>(second + 9)) == header.aSalt.salt2;
}

void WalIndex::setReadMark(int reader, std::uint32_t mark) const noexcept {
    __atomic_store_n(words_ + 25 + reader, mark, __ATOMIC_RELEASE);
}

}  // namespace litestream::sqlite
