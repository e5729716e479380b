#pragma once

#include "ltx/Format.h"
#include "restore/PageClaims.h"

#include <cstdint>
#include <vector>

namespace litestream::restore {

/// A page frame of a file. Frames lie back to back behind the header, so their sizes tell where they are.
class Frame {
public:
    Frame(PageNumber page, std::uint32_t size, bool owned) noexcept : page_(page), size_(size | (owned ? kOwned : 0)) {}

    PageNumber page() const noexcept { return page_; }
    std::uint32_t size() const noexcept { return size_ & ~kOwned; }
    /// True when this is the newest version of a page that the database has.
    bool owned() const noexcept { return (size_ & kOwned) != 0; }

private:
    // A big snapshot has a hundred million of these.
    static constexpr std::uint32_t kOwned = 1u << 31;
    PageNumber page_;
    std::uint32_t size_;
};

/// Claims the pages of one file. Throws Error(Corrupt) for a frame that is longer than any page can make it.
std::vector<Frame> claimFrames(const std::vector<ltx::IndexEntry>& index, PageClaims& claims);

/// One request: a run of whole frames.
struct Fetch {
    std::uint64_t offset = 0;  ///< in the file
    std::uint32_t size = 0;
    std::uint32_t frameCount = 0;
    std::size_t firstFrame = 0;
};

/// How one file is read.
struct FetchPlan {
    /// Every frame is read, so that the file's checksum can be verified.
    bool whole = false;
    std::vector<Fetch> fetches;
    std::uint64_t bytes = 0;  ///< of all fetches
};

inline constexpr std::uint32_t kMaxFrame = 1u << 20;  ///< bytes; no codec makes sixteen times the largest page of one
inline constexpr std::uint32_t kMaxGap = 256u << 10;  ///< bytes that are not needed and still cheaper read than skipped

/// Covers the owned frames with requests of at most `maxFetch` bytes (at least kMaxFrame).
FetchPlan planFetches(const std::vector<Frame>& frames, std::uint32_t maxFetch);

}  // namespace litestream::restore
