#include "transport/RetryPolicy.h"

#include <gtest/gtest.h>

namespace litestream::transport {
namespace {

using std::chrono::milliseconds;

constexpr ErrorCode kAll[] = {ErrorCode::NotFound, ErrorCode::Conflict, ErrorCode::Throttled, ErrorCode::Transient,
                              ErrorCode::Denied, ErrorCode::Corrupt, ErrorCode::Unsupported, ErrorCode::InvalidArgument,
                              ErrorCode::DiskFull, ErrorCode::Cancelled};
constexpr double kNearlyOne = 0.999999;
const RetryPolicy kPolicy;

Error failure(ErrorCode code) { return Error(code, "put a: no"); }

Error asking(ErrorCode code, milliseconds wait) {
    Error error = failure(code);
    error.retryAfter(wait);
    return error;
}

TEST(RetryPolicy, OnlyThrottledAndTransientHealByThemselves) {
    for (const ErrorCode code : kAll) {
        EXPECT_EQ(RetryPolicy::heals(code), code == ErrorCode::Throttled || code == ErrorCode::Transient) << describe(code);
        EXPECT_EQ(kPolicy.withinCall(failure(code), 1, milliseconds(0), 0).has_value(), RetryPolicy::heals(code)) << describe(code);
    }
}

TEST(RetryPolicy, AHurryEndsWhereTheStoreAsksForMore) {
    EXPECT_EQ(kPolicy.hurried(failure(ErrorCode::Transient), milliseconds(9000), milliseconds(500)), milliseconds(500));
    EXPECT_EQ(kPolicy.hurried(failure(ErrorCode::Denied), milliseconds(20'000), milliseconds(500)), milliseconds(500));
    EXPECT_EQ(kPolicy.hurried(failure(ErrorCode::Transient), milliseconds(100), milliseconds(500)), milliseconds(100));
    EXPECT_EQ(kPolicy.hurried(asking(ErrorCode::Throttled, milliseconds(3000)), milliseconds(4000), milliseconds(500)), milliseconds(3000));
}

TEST(RetryPolicy, TriesAgainNearlyAtOnceAfterAReset) {
    EXPECT_LE(kPolicy.withinCall(failure(ErrorCode::Transient), 1, milliseconds(0), kNearlyOne), milliseconds(100));
    EXPECT_EQ(kPolicy.withinCall(failure(ErrorCode::Transient), 1, milliseconds(0), 0), milliseconds(0));
}

TEST(RetryPolicy, DoublesTheLongestWaitInsideACallUpToACap) {
    const auto wait = [](ErrorCode code, unsigned failures) {
        RetryPolicy many;
        many.attempts = 1000;
        return many.withinCall(failure(code), failures, milliseconds(0), 0.5);
    };
    EXPECT_EQ(wait(ErrorCode::Transient, 2), milliseconds(100));
    EXPECT_EQ(wait(ErrorCode::Transient, 3), milliseconds(200));
    EXPECT_EQ(wait(ErrorCode::Throttled, 1), milliseconds(250));
    EXPECT_EQ(wait(ErrorCode::Throttled, 2), milliseconds(500));
    for (const unsigned failures : {10u, 999u}) EXPECT_EQ(wait(ErrorCode::Transient, failures), kPolicy.longest / 2);
}

TEST(RetryPolicy, BoundsAttemptsAndTimeInsideACall) {
    EXPECT_TRUE(kPolicy.withinCall(failure(ErrorCode::Transient), kPolicy.attempts - 1, milliseconds(0), 0));
    EXPECT_FALSE(kPolicy.withinCall(failure(ErrorCode::Transient), kPolicy.attempts, milliseconds(0), 0));
    EXPECT_TRUE(kPolicy.withinCall(failure(ErrorCode::Transient), 1, kPolicy.total - milliseconds(1), 0));
    EXPECT_FALSE(kPolicy.withinCall(failure(ErrorCode::Transient), 1, kPolicy.total, 0));
}

TEST(RetryPolicy, WaitsAtLeastAsLongAsTheStoreAsks) {
    for (const double random : {0.0, kNearlyOne}) {
        EXPECT_GE(kPolicy.withinCall(asking(ErrorCode::Throttled, milliseconds(3000)), 1, milliseconds(0), random), milliseconds(3000));
        EXPECT_GE(kPolicy.betweenCalls(asking(ErrorCode::Transient, milliseconds(12'000)), 1, random), milliseconds(12'000));
    }
    EXPECT_FALSE(kPolicy.withinCall(asking(ErrorCode::Throttled, kPolicy.total), 1, milliseconds(0), 0)) << "not earlier, but not here";
    EXPECT_LE(kPolicy.betweenCalls(asking(ErrorCode::Throttled, std::chrono::hours(9)), 1, kNearlyOne), kPolicy.patient);
}

TEST(RetryPolicy, T77_ComesBackWithinTenSecondsHoweverLongAStoreWasAway) {
    const double longest[] = {1000, 2000, 4000, 8000, 10'000, 10'000};
    for (unsigned failures = 1; failures <= 6; ++failures) {
        EXPECT_NEAR(static_cast<double>(kPolicy.betweenCalls(failure(ErrorCode::Transient), failures, kNearlyOne).count()),
                    longest[failures - 1], 1);
        EXPECT_NEAR(static_cast<double>(kPolicy.betweenCalls(failure(ErrorCode::Throttled), failures, 0).count()),
                    longest[failures - 1] / 2, 1);
    }
    EXPECT_LE(kPolicy.betweenCalls(failure(ErrorCode::Transient), 0xffffffffu, kNearlyOne), milliseconds(10'000));
    for (unsigned failures = 5; failures <= 100; ++failures) {
        EXPECT_EQ(kPolicy.betweenCalls(failure(ErrorCode::Transient), failures, 0), milliseconds(5'000)) << failures;
    }
}

TEST(RetryPolicy, IsPatientWithWhatNeedsAPerson) {
    for (const ErrorCode code : kAll) {
        if (RetryPolicy::heals(code) || code == ErrorCode::DiskFull) continue;
        for (const unsigned failures : {1u, 50u}) {
            EXPECT_GE(kPolicy.betweenCalls(failure(code), failures, 0), milliseconds(15'000));
            EXPECT_LE(kPolicy.betweenCalls(failure(code), failures, kNearlyOne), milliseconds(30'000));
        }
    }
}

TEST(RetryPolicy, LooksForRoomOnAFullDiskSoonerThanForANewPassword) {
    EXPECT_LE(kPolicy.betweenCalls(failure(ErrorCode::DiskFull), 1, kNearlyOne), kPolicy.againRoom);
    EXPECT_LE(kPolicy.betweenCalls(failure(ErrorCode::DiskFull), 50, kNearlyOne), kPolicy.againLongest);
}

}  // namespace
}  // namespace litestream::transport
