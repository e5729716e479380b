#include "WalReader.h"

#include "WalPosition.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

namespace litestream::sqlite {
namespace {

constexpr std::uint32_t kMagic = 0x377f0682;  // the last bit tells the byte order of the checksum words
constexpr std::uint32_t kWalVersion = 3007000;
constexpr std::size_t kWalHeaderBytes = 32;
constexpr std::size_t kFrameHeaderBytes = 24;
constexpr std::size_t kMaxChunkBytes = 1 << 20;
constexpr int kRetries = 2;
constexpr auto kRetryPause = std::chrono::milliseconds(2);

/// One buffer for each thread, whatever the number of databases: it grows to what the busiest one needs.
std::vector<std::byte>& scratch() {
    thread_local std::vector<std::byte> buffer;
    return buffer;
}

WalFrame parseFrame(const std::byte* bytes) {
    WalFrame frame;
    frame.page = bigEndian32(bytes);
    frame.commit = bigEndian32(bytes + 4);
    frame.salts = {bigEndian32(bytes + 8), bigEndian32(bytes + 12)};
    frame.checksum = {bigEndian32(bytes + 16), bigEndian32(bytes + 20)};
    return frame;
}

}  // namespace

bool WalReader::read(std::uint64_t offset, std::byte* into, std::size_t bytes) const {
    const int rc = file_->pMethods->xRead(file_, into, static_cast<int>(bytes), static_cast<sqlite3_int64>(offset));
    if (rc == SQLITE_OK) return true;
    if (rc == SQLITE_IOERR_SHORT_READ) return false;
    throw WalDamage(std::string("read WAL: ") + sqlite3_errstr(rc));
}

std::optional<WalFileHeader> WalReader::header() const {
    std::array<std::byte, kWalHeaderBytes> bytes;
    if (!read(0, bytes.data(), bytes.size())) return std::nullopt;
    const std::uint32_t magic = bigEndian32(bytes.data());
    if ((magic & ~1u) != kMagic || bigEndian32(bytes.data() + 4) != kWalVersion) return std::nullopt;

    WalFileHeader header;
    header.bigEndCksum = (magic & 1) != 0;
    header.szPage = bigEndian32(bytes.data() + 8);
    header.salts = {bigEndian32(bytes.data() + 16), bigEndian32(bytes.data() + 20)};
    header.checksum.add(bytes.data(), kWalHeaderBytes - 8, header.bigEndCksum);
    if (header.checksum != WalChecksum{bigEndian32(bytes.data() + 24), bigEndian32(bytes.data() + 28)})
        return std::nullopt;
    if (!isPageSize(header.szPage)) return std::nullopt;
    return header;
}

std::optional<WalFrame> WalReader::frameHeader(std::uint32_t frame, std::uint32_t pageSize) const {
    std::array<std::byte, kFrameHeaderBytes> bytes;
    if (!read(walOffsetAfter(frame - 1, pageSize), bytes.data(), bytes.size())) return std::nullopt;
    return parseFrame(bytes.data());
}

bool WalReader::continues(const WalIndexHeader& index) const noexcept {
    try {
        const auto next = frameHeader(index.mxFrame + 1, index.szPage);
        if (!next) return false;
        if (index.mxFrame > 0) return next->salts == index.aSalt;
        // The salts of an empty log are not final: those in the file count.
        const auto file = header();
        return file && next->salts == file->salts;
    } catch (const std::exception&) {
        return false;
    }
}

bool WalReader::page(std::uint32_t frame, MutableBytes into) const {
    const auto pageSize = static_cast<std::uint32_t>(into.size());
    return read(walOffsetAfter(frame - 1, pageSize) + kFrameHeaderBytes, into.data(), into.size());
}

WalReader::Frames::Frames(const WalReader& reader, const WalIndexHeader& index, std::uint32_t after,
                          WalChecksum checksum)
    : reader_(reader),
      index_(index),
      frame_(after),
      checksum_(checksum),
      frameBytes_(static_cast<std::size_t>(sqlite::frameBytes(index.szPage))) {}

/// Reads on from the next frame. Small first, so that a few frames never cost a large buffer.
bool WalReader::Frames::fill() {
    const std::size_t limit = std::max<std::size_t>(1, kMaxChunkBytes / frameBytes_);
    const std::size_t frames = std::min<std::size_t>({chunkFrames_, limit, index_.mxFrame - frame_});
    auto& buffer = scratch();
    if (buffer.size() < frames * frameBytes_) buffer.resize(frames * frameBytes_);
    available_ = taken_ = 0;
    if (!reader_.read(walOffsetAfter(frame_, index_.szPage), buffer.data(), frames * frameBytes_)) return false;
    available_ = frames;
    chunkFrames_ = std::min(limit, chunkFrames_ * 4);
    return true;
}

std::optional<WalFrame> WalReader::Frames::verified(std::string& problem) {
    if (taken_ == available_ && !fill()) {
        problem = "the WAL ends before it";
        return std::nullopt;
    }
    const std::byte* bytes = scratch().data() + taken_ * frameBytes_;
    WalFrame frame = parseFrame(bytes);
    WalChecksum checksum = checksum_;
    checksum.add(bytes, 8, index_.bigEndCksum);
    checksum.add(bytes + kFrameHeaderBytes, frameBytes_ - kFrameHeaderBytes, index_.bigEndCksum);
    if (frame.salts != index_.aSalt) {
        problem = "foreign salts";
    } else if (checksum != frame.checksum) {
        problem = "its checksum does not continue the chain";
    } else {
        frame.content = bytes + kFrameHeaderBytes;
        return frame;
    }
    return std::nullopt;
}

WalFrame WalReader::Frames::next() {
    std::string problem;
    for (int attempt = 0;; ++attempt) {
        if (auto frame = verified(problem)) {
            ++taken_;
            ++frame_;
            checksum_ = frame->checksum;
            return *frame;
        }
        if (attempt == kRetries) break;
        available_ = taken_ = 0;
        chunkFrames_ = 1;
        std::this_thread::sleep_for(kRetryPause);
    }
    char where[160];
    std::snprintf(where, sizeof where, "frame %u of generation %08x-%08x (mxFrame %u, page size %u): ", frame_ + 1,
                  index_.aSalt.salt1, index_.aSalt.salt2, index_.mxFrame, index_.szPage);
    throw WalDamage(where + problem);
}

}  // namespace litestream::sqlite
