#include "engine/Cadence.h"

#include <gtest/gtest.h>

namespace litestream::engine {
namespace {

using namespace std::chrono_literals;
const Cadence::Clock::time_point kStart{1000s};

TEST(Cadence, LetsACommitAfterQuietGoAtOnce) {
    Cadence cadence(std::nullopt, false);
    EXPECT_EQ(cadence.next(kStart), kStart);
}

TEST(Cadence, SettlesAtFourCutsASecondUnderSustainedLoad) {
    Cadence cadence(std::nullopt, false);
    auto now = kStart;
    int cuts = 0;
    for (const auto end = kStart + 60s; now < end; now += 1ms) {
        if (cadence.next(now) > now) continue;
        cadence.spend(now);
        ++cuts;
    }
    EXPECT_GE(cuts, 20 + 60 * 4 - 2);
    EXPECT_LE(cuts, 20 + 60 * 4 + 1);
}

TEST(Cadence, CostsAnObjectASecondInTheLongRunWhereRequestsAreCounted) {
    Cadence cadence(std::nullopt, true);
    auto now = kStart;
    int cuts = 0;
    for (const auto end = kStart + 600s; now < end; now += 250ms) {
        if (cadence.next(now) > now) continue;
        cadence.spend(now);
        // Four commits a second for a minute all go out at once.
        if (++cuts == 240) {
            EXPECT_LE(now - kStart, 60s);
        }
    }
    EXPECT_LE(cuts, 240 + 600);
}

TEST(Cadence, DoesNotMakeALongQueueLonger) {
    Cadence cadence(std::nullopt, false);
    cadence.spend(kStart);
    EXPECT_EQ(cadence.next(kStart + 1ms, 2), kStart + 1ms);
    EXPECT_EQ(cadence.next(kStart + 1ms, 3), kStart + 3s);
    EXPECT_EQ(cadence.next(kStart + 1ms, 1000), kStart + 10s);
    EXPECT_EQ(cadence.next(kStart + 20s, 1000), kStart + 20s);
    EXPECT_EQ(cadence.next(kStart + 1ms, 0), kStart + 1ms);
}

TEST(Cadence, NeverHoldsACommitLongerThanASecond) {
    for (const bool counted : {false, true}) {
        Cadence cadence(std::nullopt, counted);
        auto now = kStart;
        for (int i = 0; i < 200; ++i) {
            const auto next = cadence.next(now);
            EXPECT_LE(next - now, 1s);
            cadence.spend(next);
            now = next;
        }
    }
}

TEST(Cadence, FillsUpAgainWhileItIsQuiet) {
    Cadence cadence(std::nullopt, true);
    for (int i = 0; i < 240; ++i) cadence.spend(kStart);
    EXPECT_GT(cadence.next(kStart), kStart);
    const auto later = kStart + 3s;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(cadence.next(later), later);
        cadence.spend(later);
    }
    EXPECT_GT(cadence.next(later), later);
}

TEST(Cadence, TakesAnExplicitIntervalLiterally) {
    Cadence cadence(2s, false);
    EXPECT_EQ(cadence.next(kStart), kStart) << "the first one is immediate";
    cadence.spend(kStart);
    EXPECT_EQ(cadence.next(kStart + 500ms), kStart + 2s);
    EXPECT_EQ(cadence.next(kStart + 5s), kStart + 5s);
}

}  // namespace
}  // namespace litestream::engine
