#include "engine/ReconcileLimit.h"

#include <gtest/gtest.h>

namespace litestream::engine {
namespace {

using namespace std::chrono_literals;
const ReconcileLimit::Clock::time_point kStart{1000s};

TEST(ReconcileLimit, LetsTheFirstOneGoAtOnce) {
    const ReconcileLimit limit(10min);
    EXPECT_EQ(limit.next(kStart), kStart);
}

TEST(ReconcileLimit, HoldsTheNextOneUntilTheIntervalIsOver) {
    ReconcileLimit limit(10min);
    limit.spend(kStart);
    EXPECT_EQ(limit.next(kStart + 1s), kStart + 10min);
    EXPECT_EQ(limit.next(kStart + 10min), kStart + 10min);
    EXPECT_EQ(limit.next(kStart + 1h), kStart + 1h);
}

TEST(ReconcileLimit, AllowsSixAnHourToACauseThatComesBackAtOnce) {
    ReconcileLimit limit(10min);
    int whole = 0;
    for (auto now = kStart; now < kStart + 1h; now += 1s) {
        if (limit.next(now) > now) continue;
        limit.spend(now);
        ++whole;
    }
    EXPECT_EQ(whole, 6);
}

TEST(ReconcileLimit, CountsFromAnEarlyOneThatSomebodyAskedFor) {
    ReconcileLimit limit(10min);
    limit.spend(kStart);
    limit.spend(kStart + 5min);
    EXPECT_EQ(limit.next(kStart + 11min), kStart + 15min);
}

}  // namespace
}  // namespace litestream::engine
