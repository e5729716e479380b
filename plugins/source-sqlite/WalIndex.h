#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace litestream::sqlite {

/// The running checksum of a WAL. The pair that is stored in frame n covers the WAL header and every frame up to n, so
/// one comparison compares the whole prefix.
/// Source: https://sqlite.org/fileformat2.html, "Checksum Algorithm".
struct WalChecksum {
    std::uint32_t s0 = 0;
    std::uint32_t s1 = 0;

    bool operator==(const WalChecksum&) const = default;

    /// Adds `bytes` bytes, a multiple of eight, read as words of the given byte order.
    void add(const std::byte* data, std::size_t bytes, bool bigEndian) noexcept;
};

/// Names one life of a WAL between two resets. Only equality means something: neither differences nor the header's
/// sequence number tell how many resets happened.
struct WalSalts {
    std::uint32_t salt1 = 0;
    std::uint32_t salt2 = 0;

    bool operator==(const WalSalts&) const = default;
};

/// What a wal-index header says. While mxFrame is zero, salts are not final and nPage and the page size may be stale.
struct WalIndexHeader {
    std::uint32_t iVersion = 0;
    std::uint32_t iChange = 0;
    bool bigEndCksum = false;
    std::uint32_t szPage = 0;  ///< bytes
    std::uint32_t mxFrame = 0;
    std::uint32_t nPage = 0;
    WalChecksum aFrameCksum;  ///< as stored in frame mxFrame
    WalSalts aSalt;

    bool operator==(const WalIndexHeader&) const = default;
};

/// Reads the first region of a wal-index (the -shm file), which SQLite has mapped. Does not own the mapping.
///
/// Threads: all members may be called from any thread. Everything is an atomic access of 32 bits, as SQLite's own.
/// If a process truncates the -shm file, the next access finds a header that is lost() (IndexLoss.h).
/// Source: https://sqlite.org/walformat.html.
class WalIndex {
public:
    static constexpr std::uint32_t kVersion = 3007000;
    static constexpr std::size_t kRegionBytes = 32768;
    static constexpr std::uint32_t kReadMarkNotUsed = 0xffffffff;
    static constexpr int kReaders = 5;  ///< read marks, the first of which is always 0

    WalIndex() = default;
    explicit WalIndex(volatile void* region) : words_(static_cast<std::uint32_t*>(const_cast<void*>(region))) {}

    /// One attempt: nothing while a writer is between the two copies, or when the header is not initialised.
    std::optional<WalIndexHeader> tryHeader() const noexcept;

    /// A bounded number of attempts without sleeping. Nothing if a writer was interrupted, or died, between the copies.
    std::optional<WalIndexHeader> header() const noexcept;

    /// True once the file behind the mapping is gone. It stays so: what was read before a look at this was true.
    bool lost() const noexcept { return load(0) == kLostVersion; }

    /// Both copies of a header that is whole and of a version that no SQLite knows, so that SQLite does nothing with it.
    using LostHeader = std::array<std::uint32_t, 24>;
    static LostHeader makeLostHeader() noexcept;

    /// A cheap look: false if anything was committed, or is being committed, since `header` was read.
    bool unchangedSince(const WalIndexHeader& header) const noexcept;

    std::uint32_t nBackfill() const noexcept { return load(24); }

    /// How far a checkpoint that is running now may get: at least nBackfill.
    std::uint32_t nBackfillAttempted() const noexcept { return load(32); }

    std::uint32_t readMark(int reader) const noexcept { return load(25 + static_cast<std::size_t>(reader)); }

    /// Only while holding the reader's lock byte exclusively.
    void setReadMark(int reader, std::uint32_t mark) const noexcept;

    /// Begins to load the header and the checkpoint's words.
    void prefetch() const noexcept {
        __builtin_prefetch(words_);
        __builtin_prefetch(words_ + 16);
    }

private:
    static constexpr std::uint32_t kLostVersion = 0xffffffff;

    std::uint32_t load(std::size_t word) const noexcept { return __atomic_load_n(words_ + word, __ATOMIC_ACQUIRE); }

    std::uint32_t* words_ = nullptr;
};

/// The salts lie in the wal-index and in the WAL as the same big-endian bytes.
std::uint32_t bigEndian32(const std::byte* bytes) noexcept;

}  // namespace litestream::sqlite
