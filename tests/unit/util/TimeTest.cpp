#include "util/Time.h"

#include <gtest/gtest.h>

namespace litestream {
namespace {

TEST(Time, PrintsSecondsInUtc) {
    EXPECT_EQ(formatRfc3339(Timestamp{0}), "1970-01-01T00:00:00Z");
    EXPECT_EQ(formatRfc3339(Timestamp{1767323045678}), "2026-01-02T03:04:05Z");
    EXPECT_EQ(formatRfc3339(Timestamp{-1}), "1969-12-31T23:59:59Z");
}

TEST(Time, ReadsZonesAndFractions) {
    EXPECT_EQ(parseRfc3339("2026-01-02T03:04:05Z"), Timestamp{1767323045000});
    EXPECT_EQ(parseRfc3339("2026-01-02T03:04:05.678Z"), Timestamp{1767323045678});
    EXPECT_EQ(parseRfc3339("2026-01-02T03:04:05.6789012Z"), Timestamp{1767323045678});
    EXPECT_EQ(parseRfc3339("2026-01-02T05:04:05+02:00"), Timestamp{1767323045000});
    EXPECT_EQ(parseRfc3339("2026-01-01T21:34:05-05:30"), Timestamp{1767323045000});
    EXPECT_EQ(parseRfc3339("2024-02-29T00:00:00Z"), Timestamp{1709164800000});
}

TEST(Time, RefusesEverythingElse) {
    for (const char* text : {"", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-13-02T03:04:05Z",
                             "2025-02-29T00:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T03:60:05Z",
                             "2026-01-02T03:04:60Z", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05+0200",
                             "2026-01-02T03:04:05Zx", "26-01-02T03:04:05Z", "yesterday"}) {
        EXPECT_FALSE(parseRfc3339(text)) << text;
    }
}

}  // namespace
}  // namespace litestream
