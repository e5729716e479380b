#pragma once

#include "../sqlite/FileIdentity.h"
#include "WalIndex.h"

#include <litestream/Source.h>

#include <cstdint>
#include <optional>
#include <string>

namespace litestream::sqlite {

/// A place in the history of a database: directly after a commit frame of one WAL generation. Frame 0 is an
/// ordinary place: nothing of the generation was consumed.
struct WalPosition {
    WalSalts salts;
    std::uint32_t frame = 0;  ///< 1-based; 0 = before the first
    WalChecksum checksum;     ///< as stored in `frame`; meaningless for frame 0
    std::uint32_t commit = 0;
    std::uint32_t pageSize = 0;  ///< bytes
    FileIdentity file;

    bool operator==(const WalPosition&) const = default;

    /// As opaque bytes for core, and back. decode() refuses what encode() did not write.
    Position encode() const;
    static std::optional<WalPosition> decode(const Position& position);

    /// "generation 6cd2ca3c-1f0b2a77 frame 812, 40 pages of 4096 bytes"
    std::string describe() const;
};

/// Bytes of a frame in the WAL file, and the offset of the end of frame `frame`.
constexpr std::uint64_t frameBytes(std::uint32_t pageSize) noexcept {
    return std::uint64_t{24} + pageSize;
}
constexpr std::uint64_t walOffsetAfter(std::uint32_t frame, std::uint32_t pageSize) noexcept {
    return 32 + frame * frameBytes(pageSize);
}

}  // namespace litestream::sqlite
