#include "World.h"

#include <cstdlib>

#include <gtest/gtest.h>

namespace litestream::levels::test {
namespace {

/// LITESTREAM_HISTORIES asks for more, LITESTREAM_HISTORY for one of them.
unsigned numberFrom(const char* variable, unsigned otherwise) {
    const char* value = std::getenv(variable);
    return value == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(value, nullptr, 10));
}

TEST(History, T62_EveryInstantInsideTheRetentionStaysRestorable) {
    const unsigned first = numberFrom("LITESTREAM_HISTORY", 1);
    const unsigned last = first + (first == 1 ? numberFrom("LITESTREAM_HISTORIES", 300) : 1);
    unsigned deletions = 0;
    unsigned exact = 0;
    for (unsigned seed = first; seed < last; ++seed) {
        World world(seed);
        for (int step = 0; step < 40 && world.complaint().empty(); ++step) world.step();
        ASSERT_EQ(world.complaint(), "") << "history " << seed;
        deletions += world.deletions();
        exact += world.exactInstants();
    }
    // It must have had something to judge.
    EXPECT_GT(deletions, (last - first) * 10);
    EXPECT_GT(exact, (last - first) * 10);
}

TEST(History, WhatIsLeftAfterSilenceIsSmallAndWakesNobody) {
    for (unsigned seed = 1; seed < 100; ++seed) {
        World world(seed);
        for (int step = 0; step < 30; ++step) world.step();
        EXPECT_TRUE(world.settle()) << "history " << seed;
        ASSERT_EQ(world.complaint(), "") << "history " << seed;
        EXPECT_LE(world.files(9), 4u) << "history " << seed;
        if (!world.settings().levels.empty() && world.settings().levelZeroRetention.count() > 0) {
            EXPECT_LE(world.files(0), 3u) << "history " << seed;
        }
    }
}

}  // namespace
}  // namespace litestream::levels::test
