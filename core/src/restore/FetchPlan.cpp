#include "restore/FetchPlan.h"

#include <litestream/Error.h>

#include <string>

namespace litestream::restore {
namespace {

/// When all but this part of a file is needed, the rest is read too: it is little, and the file's checksum can then be verified.
constexpr std::uint64_t kWholeBelow = 8;

bool worthReadingWhole(const std::vector<Frame>& frames) {
    std::uint64_t total = 0;
    std::uint64_t superseded = 0;
    for (const Frame& frame : frames) {
        total += frame.size();
        if (!frame.owned()) superseded += frame.size();
    }
    return superseded <= total / kWholeBelow;
}

}  // namespace

std::vector<Frame> claimFrames(const std::vector<ltx::IndexEntry>& index, PageClaims& claims) {
    std::vector<Frame> frames;
    frames.reserve(index.size());
    for (const ltx::IndexEntry& entry : index) {
        if (entry.size > kMaxFrame) {
            throw Error(ErrorCode::Corrupt, "page " + std::to_string(entry.page) + " takes " + std::to_string(entry.size) + " bytes");
        }
        frames.emplace_back(entry.page, static_cast<std::uint32_t>(entry.size), claims.claim(entry.page));
    }
    return frames;
}

FetchPlan planFetches(const std::vector<Frame>& frames, std::uint32_t maxFetch) {
    FetchPlan plan;
    plan.whole = worthReadingWhole(frames);

    Fetch fetch;                // ends behind the last wanted frame so far
    std::uint64_t offset = ltx::kHeaderSize;
    const auto close = [&] {
        if (fetch.frameCount == 0) return;
        plan.bytes += fetch.size;
        plan.fetches.push_back(fetch);
        fetch = {};
    };
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const std::uint32_t size = frames[i].size();
        if (plan.whole || frames[i].owned()) {
            const std::uint64_t gap = offset - (fetch.offset + fetch.size);
            if (gap > kMaxGap || fetch.size + gap + size > maxFetch) close();
            if (fetch.frameCount == 0) fetch = {offset, 0, 0, i};
            fetch.size = static_cast<std::uint32_t>(offset + size - fetch.offset);
            fetch.frameCount = static_cast<std::uint32_t>(i + 1 - fetch.firstFrame);
        }
        offset += size;
    }
    close();
    return plan;
}

}  // namespace litestream::restore
