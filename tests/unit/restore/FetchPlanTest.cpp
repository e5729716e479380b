#include "restore/FetchPlan.h"

#include <litestream/Error.h>

#include <gtest/gtest.h>

namespace litestream::restore::test {
namespace {

/// `count` frames of `size` bytes for pages 1, 2, ...
std::vector<ltx::IndexEntry> index(std::uint32_t count, std::uint64_t size) {
    std::vector<ltx::IndexEntry> entries;
    for (PageNumber page = 1; page <= count; ++page) entries.push_back({page, ltx::kHeaderSize + (page - 1) * size, size});
    return entries;
}

TEST(PageClaims, TheFirstClaimWins) {
    PageClaims claims(100, 4096);
    EXPECT_TRUE(claims.claim(7));
    EXPECT_FALSE(claims.claim(7));
    EXPECT_FALSE(claims.claim(0));
    EXPECT_FALSE(claims.claim(101));
    EXPECT_TRUE(claims.claim(100));
}

TEST(PageClaims, FindsTheFirstMissingPageAtEveryEndOfAWord) {
    for (const std::uint32_t commit : {1u, 63u, 64u, 65u, 128u, 129u}) {
        for (PageNumber missing = 1; missing <= commit; ++missing) {
            PageClaims claims(commit, 4096);
            for (PageNumber page = 1; page <= commit; ++page) {
                if (page != missing) claims.claim(page);
            }
            ASSERT_EQ(claims.firstMissing(), missing);
            claims.claim(missing);
            ASSERT_EQ(claims.firstMissing(), std::nullopt);
        }
    }
}

TEST(PageClaims, TheLockPageIsNeitherClaimedNorMissing) {
    const PageNumber lock = lockPage(65536);
    PageClaims claims(lock + 1, 65536);
    EXPECT_FALSE(claims.claim(lock));
    for (PageNumber page = 1; page <= lock + 1; ++page) claims.claim(page);
    EXPECT_EQ(claims.firstMissing(), std::nullopt);
}

TEST(FetchPlan, ReadsAFileWholeWhenNearlyAllOfItIsNeeded) {
    PageClaims claims(1000, 4096);
    for (PageNumber page = 1; page <= 100; ++page) claims.claim(page);
    const auto frames = claimFrames(index(1000, 4000), claims);
    const FetchPlan plan = planFetches(frames, 1u << 20);
    EXPECT_TRUE(plan.whole);
    EXPECT_EQ(plan.bytes, 4'000'000u);
    std::uint64_t offset = ltx::kHeaderSize;
    std::size_t frame = 0;
    for (const Fetch& fetch : plan.fetches) {
        EXPECT_EQ(fetch.offset, offset);
        EXPECT_EQ(fetch.firstFrame, frame);
        EXPECT_LE(fetch.size, 1u << 20);
        offset += fetch.size;
        frame += fetch.frameCount;
    }
    EXPECT_EQ(frame, 1000u);
}

TEST(FetchPlan, SkipsLongSupersededStretchesAndReadsOverShortOnes) {
    PageClaims claims(1000, 4096);
    // Pages 101..110 (40 kB) and 301..900 (2.4 MB) have newer versions.
    for (PageNumber page = 101; page <= 110; ++page) claims.claim(page);
    for (PageNumber page = 301; page <= 900; ++page) claims.claim(page);
    const FetchPlan plan = planFetches(claimFrames(index(1000, 4000), claims), 4u << 20);
    EXPECT_FALSE(plan.whole);
    ASSERT_EQ(plan.fetches.size(), 2u);
    EXPECT_EQ(plan.fetches[0].offset, 100u);
    EXPECT_EQ(plan.fetches[0].frameCount, 300u);
    EXPECT_EQ(plan.fetches[1].offset, 100u + 900 * 4000);
    EXPECT_EQ(plan.fetches[1].frameCount, 100u);
    EXPECT_EQ(plan.bytes, 400u * 4000);
}

TEST(FetchPlan, AsksNothingOfAFileThatIsSuperseded) {
    PageClaims claims(10, 4096);
    claimFrames(index(10, 4000), claims);
    const FetchPlan plan = planFetches(claimFrames(index(10, 4000), claims), 1u << 20);
    EXPECT_TRUE(plan.fetches.empty());
}

TEST(FetchPlan, RefusesAFrameThatNoPageCanFill) {
    PageClaims claims(10, 4096);
    EXPECT_THROW(claimFrames(index(1, kMaxFrame + 1), claims), Error);
}

}  // namespace
}  // namespace litestream::restore::test
