#include "util/Units.h"

#include <gtest/gtest.h>

#include <limits>

namespace litestream {
namespace {

using namespace std::chrono_literals;

TEST(Units, PrintsDurationsAsGoDoes) {
    EXPECT_EQ(formatDuration(0ns), "0s");
    EXPECT_EQ(formatDuration(1ns), "1ns");
    EXPECT_EQ(formatDuration(866322ns), "866.322\u00b5s");
    EXPECT_EQ(formatDuration(1100ns), "1.1\u00b5s");
    EXPECT_EQ(formatDuration(976ms), "976ms");
    EXPECT_EQ(formatDuration(1500us), "1.5ms");
    EXPECT_EQ(formatDuration(1500ms), "1.5s");
    EXPECT_EQ(formatDuration(30s), "30s");
    EXPECT_EQ(formatDuration(1min), "1m0s");
    EXPECT_EQ(formatDuration(90min), "1h30m0s");
    EXPECT_EQ(formatDuration(24h + 1ms), "24h0m0.001s");
    EXPECT_EQ(formatDuration(-1500ms), "-1.5s");
    EXPECT_EQ(formatDuration(std::chrono::nanoseconds::min()), "-2562047h47m16.854775808s");
}

TEST(Units, PrintsSizesInPowersOfAThousand) {
    EXPECT_EQ(formatSize(0), "0 B");
    EXPECT_EQ(formatSize(9), "9 B");
    EXPECT_EQ(formatSize(10), "10 B");
    EXPECT_EQ(formatSize(999), "999 B");
    EXPECT_EQ(formatSize(4152), "4.2 kB");
    EXPECT_EQ(formatSize(20632), "21 kB");
    EXPECT_EQ(formatSize(82854982), "83 MB");
    EXPECT_EQ(formatSize(std::numeric_limits<std::uint64_t>::max()), "18 EB");
}

}  // namespace
}  // namespace litestream
