#include "migrate/Patience.h"

#include "support/ErrorOf.h"

#include <gtest/gtest.h>

namespace litestream::migrate {
namespace {

/// Time that passes only by waiting.
class SteppedTiming final : public transport::Timing {
public:
    Clock::time_point now() const override { return now_; }
    void wait(Clock::duration time, const CancellationToken&) override { now_ += time; }
    double random() override { return 0.5; }

private:
    Clock::time_point now_ = Clock::now();
};

struct PatienceTest : testing::Test {
    SteppedTiming timing;
    CancellationSource stop;
    Patience patience{std::chrono::minutes(5), 1024, stop.token(), timing};
    int calls = 0;
};

TEST_F(PatienceTest, WaitsForWhatHeals) {
    const int answer = patience.run("get", 0, [&](const CallContext&) {
        if (++calls < 6) throw Error(ErrorCode::Transient, "reset");
        return 7;
    });
    EXPECT_EQ(answer, 7);
    EXPECT_EQ(calls, 6);
}

TEST_F(PatienceTest, EndsWhenNothingHasSucceededForSoLong) {
    const auto begin = timing.now();
    const Error error = test::errorOf([&] {
        patience.run("get", 0, [&](const CallContext&) -> int {
            if (timing.now() - begin > std::chrono::minutes(4) && calls++ == 0) patience.succeeded();
            throw Error(ErrorCode::Throttled, "slow down");
        });
    });
    EXPECT_EQ(error.code(), ErrorCode::Throttled);
    EXPECT_GT(timing.now() - begin, std::chrono::minutes(9)) << "the success of another call counts";
}

TEST_F(PatienceTest, DoesNotWaitForWhatNeedsAPerson) {
    for (const ErrorCode code : {ErrorCode::Denied, ErrorCode::NotFound, ErrorCode::Corrupt, ErrorCode::Conflict, ErrorCode::DiskFull}) {
        calls = 0;
        const Error error = test::errorOf([&] {
            patience.run("put", 0, [&](const CallContext&) -> int {
                ++calls;
                throw Error(code, "no");
            });
        });
        EXPECT_EQ(error.code(), code);
        EXPECT_EQ(calls, 1);
    }
}

TEST_F(PatienceTest, ADeadlineIsASlowStoreAndTheNextOneIsLater) {
    std::vector<CallContext::Clock::duration> limits;
    patience.run("put", 1024 * 60, [&](const CallContext& context) {
        limits.push_back(context.deadline - CallContext::Clock::now());
        if (limits.size() < 3) throw Error(ErrorCode::Cancelled, "deadline passed");
        return 0;
    });
    EXPECT_GT(limits[0], std::chrono::seconds(85)) << "half a minute, and a minute for the bytes";
    EXPECT_GT(limits[2], 3 * limits[0]);
}

TEST_F(PatienceTest, EndsWhenItIsToldTo) {
    const Error error = test::errorOf([&] {
        patience.run("put", 0, [&](const CallContext&) -> int {
            stop.cancel();
            throw Error(ErrorCode::Transient, "reset");
        });
    });
    EXPECT_EQ(error.code(), ErrorCode::Transient);
}

}  // namespace
}  // namespace litestream::migrate
