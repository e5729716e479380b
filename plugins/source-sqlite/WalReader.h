#pragma once

#include "WalIndex.h"

#include <litestream/Types.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

struct sqlite3_file;

namespace litestream::sqlite {

/// The WAL does not hold what it must hold. Inside a capture this means that continuity is gone.
class WalDamage : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct WalFileHeader {
    bool bigEndCksum = false;
    std::uint32_t szPage = 0;
    WalSalts salts;
    WalChecksum checksum;  ///< the seed for frame 1
};

struct WalFrame {
    PageNumber page = 0;
    std::uint32_t commit =
        0;  ///< pages in the database after this frame's transaction; 0 unless it is the last frame of one
    WalSalts salts;
    WalChecksum checksum;
    const std::byte* content =
        nullptr;  ///< one page, valid until the next read on the same thread; null if only the header was read
};

/// Reads a WAL through the file object of the connection that is attached to it: no descriptor of our own.
///
/// Threads: may be used by several threads at once; SQLite reads with pread.
class WalReader {
public:
    /// `file` must outlive the reader.
    explicit WalReader(sqlite3_file* file) : file_(file) {}

    /// Nothing when the file is empty, shorter than a header, or its header does not check.
    std::optional<WalFileHeader> header() const;

    /// The header of one frame, without any check. Nothing when the file ends before it.
    std::optional<WalFrame> frameHeader(std::uint32_t frame, std::uint32_t pageSize) const;

    /// Whether a frame of the same generation lies behind the last published one: a commit or a spill is under way, or was given up.
    /// A file that cannot be read does not continue.
    bool continues(const WalIndexHeader& index) const noexcept;

    /// False when the file ends before the content of the frame does.
    bool page(std::uint32_t frame, MutableBytes into) const;

    /// Hands out consecutive frames of one generation, each one verified against salts and running checksum.
    class Frames;

private:
    friend class Frames;
    /// Returns how many of the bytes exist.
    bool read(std::uint64_t offset, std::byte* into, std::size_t bytes) const;

    sqlite3_file* file_;
};

/// Never reads past `last`: what lies behind the last published commit may still change.
class WalReader::Frames {
public:
    /// Starts behind frame `after`, whose stored checksum is `checksum`.
    Frames(const WalReader& reader, const WalIndexHeader& index, std::uint32_t after, WalChecksum checksum);

    /// The next frame. Throws WalDamage if it is still wrong after a few milliseconds.
    WalFrame next();

    std::uint32_t frame() const noexcept { return frame_; }  ///< number of the frame that next() gave
    WalChecksum checksum() const noexcept { return checksum_; }

private:
    std::optional<WalFrame> verified(std::string& problem);
    bool fill();

    const WalReader& reader_;
    WalIndexHeader index_;
    std::uint32_t frame_;
    WalChecksum checksum_;
    std::size_t frameBytes_;
    std::size_t chunkFrames_ = 1;
    std::size_t available_ = 0;  ///< frames in the buffer, and the next one to hand out
    std::size_t taken_ = 0;
};

}  // namespace litestream::sqlite
