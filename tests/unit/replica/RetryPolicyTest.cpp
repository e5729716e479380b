#include "replica/RetryPolicy.h"

#include <thread>

#include <gtest/gtest.h>

namespace litestream::replica {
namespace {

using std::chrono::milliseconds;

constexpr ErrorCode kAll[] = {ErrorCode::NotFound, ErrorCode::Conflict, ErrorCode::Throttled, ErrorCode::Transient,
                              ErrorCode::Denied, ErrorCode::Corrupt, ErrorCode::Unsupported, ErrorCode::InvalidArgument,
                              ErrorCode::DiskFull, ErrorCode::Cancelled};
const RetryPolicy kQuick{milliseconds(1), milliseconds(2), milliseconds(2)};

TEST(RetryPolicy, OnlyThrottledAndTransientHealByThemselves) {
    for (const ErrorCode code : kAll) {
        EXPECT_EQ(RetryPolicy::heals(code), code == ErrorCode::Throttled || code == ErrorCode::Transient) << describe(code);
    }
}

TEST(RetryPolicy, DoublesTheLongestWaitUpToTheCap) {
    const RetryPolicy policy;
    const double nearlyOne = 0.999999;
    EXPECT_NEAR(static_cast<double>(policy.delay(ErrorCode::Transient, 2, nearlyOne).count()), 200, 1);
    EXPECT_NEAR(static_cast<double>(policy.delay(ErrorCode::Transient, 3, nearlyOne).count()), 400, 1);
    EXPECT_NEAR(static_cast<double>(policy.delay(ErrorCode::Throttled, 6, nearlyOne).count()), 3200, 1);
    for (const unsigned attempt : {9u, 100u, 0xffffffffu}) {
        EXPECT_LE(policy.delay(ErrorCode::Transient, attempt, nearlyOne), policy.cap);
        EXPECT_GE(policy.delay(ErrorCode::Transient, attempt, nearlyOne), policy.cap - milliseconds(1));
    }
}

TEST(RetryPolicy, SpreadsTheWaitsOverTheWholeRange) {
    const RetryPolicy policy;
    EXPECT_EQ(policy.delay(ErrorCode::Transient, 5, 0), milliseconds(0));
    EXPECT_EQ(policy.delay(ErrorCode::Transient, 5, 0.5), milliseconds(800));
}

TEST(RetryPolicy, IsPatientWithWhatNeedsAPerson) {
    const RetryPolicy policy;
    for (const ErrorCode code : kAll) {
        if (RetryPolicy::heals(code) || code == ErrorCode::DiskFull) continue;
        for (const unsigned attempt : {2u, 50u}) {
            EXPECT_GE(policy.delay(code, attempt, 0), policy.patient / 2);
            EXPECT_LE(policy.delay(code, attempt, 0.999999), policy.patient);
        }
    }
}

TEST(RetryPolicy, LooksForRoomOnAFullDiskSoonerThanForANewPassword) {
    const RetryPolicy policy;
    EXPECT_FALSE(RetryPolicy::heals(ErrorCode::DiskFull)) << "a person should know";
    EXPECT_LE(policy.delay(ErrorCode::DiskFull, 2, 0.999999), policy.first);
    EXPECT_LE(policy.delay(ErrorCode::DiskFull, 50, 0.999999), policy.cap);
}

TEST(Retry, TriesAgainUntilItWorks) {
    unsigned calls = 0;
    retry(kQuick, 3, {}, [&] {
        if (++calls < 3) throw Error(ErrorCode::Throttled, "slow down");
    });
    EXPECT_EQ(calls, 3u);
}

TEST(Retry, GivesUpWithTheLastFailure) {
    unsigned calls = 0;
    try {
        retry(kQuick, 3, {}, [&] { throw Error(ErrorCode::Transient, "reset " + std::to_string(++calls)); });
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "reset 3");
    }
}

TEST(Retry, DoesNotRepeatWhatCannotHeal) {
    for (const ErrorCode code : kAll) {
        if (RetryPolicy::heals(code)) continue;
        unsigned calls = 0;
        EXPECT_THROW(retry(kQuick, 3, {}, [&] {
                         ++calls;
                         throw Error(code, "no");
                     }),
                     Error);
        EXPECT_EQ(calls, 1u) << describe(code);
    }
}

TEST(Retry, DoesNotWaitBeyondTheDeadline) {
    const RetryPolicy slow{milliseconds(3'600'000), milliseconds(3'600'000), milliseconds(3'600'000)};
    const auto context = CallContext::within(milliseconds(1));
    unsigned calls = 0;
    EXPECT_THROW(retry(slow, 3, context, [&] {
                     ++calls;
                     throw Error(ErrorCode::Transient, "reset");
                 }),
                 Error);
    EXPECT_EQ(calls, 1u);
}

TEST(Retry, ACancellationEndsTheWait) {
    const RetryPolicy slow{milliseconds(3'600'000), milliseconds(3'600'000), milliseconds(3'600'000)};
    CancellationSource source;
    unsigned calls = 0;
    std::jthread canceller;
    try {
        retry(slow, 3, {CallContext::Clock::time_point::max(), source.token()}, [&] {
            if (++calls == 1) canceller = std::jthread([&] { source.cancel(); });
            throw Error(ErrorCode::Transient, "reset");
        });
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        // Cancelled while it waited, or already before the wait began.
        EXPECT_TRUE(error.code() == ErrorCode::Cancelled || error.code() == ErrorCode::Transient);
    }
    EXPECT_EQ(calls, 1u);
}

}  // namespace
}  // namespace litestream::replica
