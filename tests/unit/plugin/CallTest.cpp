#include "PluginDirectory.h"

#include <atomic>
#include <future>
#include <thread>

namespace litestream::plugin {

TEST(Cancellation, ReachesEveryTokenAndActionOnce) {
    CancellationSource source;
    const CancellationToken token = source.token();
    std::atomic<int> calls{0};
    const auto first = token.onCancel([&] { ++calls; });
    const auto second = source.token().onCancel([&] { ++calls; });
    EXPECT_FALSE(token.cancelled());
    source.cancel();
    source.cancel();
    EXPECT_TRUE(token.cancelled());
    EXPECT_EQ(calls, 2);
}

TEST(Cancellation, CallsAtOnceWhenItAlreadyHappened) {
    CancellationSource source;
    source.cancel();
    bool called = false;
    const auto handle = source.token().onCancel([&] { called = true; });
    EXPECT_TRUE(called);
}

TEST(Cancellation, NeverReachesADefaultTokenOrAnEndedRegistration) {
    CancellationToken never;
    EXPECT_FALSE(never.cancelled());
    CancellationSource source;
    bool called = false;
    never.onCancel([&] { called = true; });
    source.token().onCancel([&] { called = true; });  // ends with this statement
    source.cancel();
    EXPECT_FALSE(called);
}

TEST(Cancellation, OutlivesItsSource) {
    CancellationToken token;
    bool called = false;
    std::shared_ptr<void> handle;
    {
        CancellationSource source;
        token = source.token();
        handle = token.onCancel([&] { called = true; });
        source.cancel();
    }
    EXPECT_TRUE(token.cancelled());
    EXPECT_TRUE(called);
}

TEST(Cancellation, EndOfARegistrationWaitsForItsRunningAction) {
    CancellationSource source;
    std::promise<void> started;
    std::promise<void> proceed;
    std::atomic<bool> ended{false};
    auto handle = source.token().onCancel([&] {
        started.set_value();
        proceed.get_future().wait();
        ended = true;
    });
    std::thread canceller([&] { source.cancel(); });
    started.get_future().wait();
    std::thread releaser([&] { proceed.set_value(); });
    handle.reset();
    EXPECT_TRUE(ended);
    canceller.join();
    releaser.join();
}

TEST(Cancellation, ActionMayEndItsOwnRegistrationAndThrow) {
    CancellationSource source;
    std::shared_ptr<void> handle;
    bool behind = false;
    handle = source.token().onCancel([&] {
        handle.reset();
        throw 42;
    });
    const auto other = source.token().onCancel([&] { behind = true; });
    source.cancel();
    EXPECT_TRUE(behind);
}

TEST(CallContext, ChecksTokenAndDeadline) {
    CallContext().check("get");
    CallContext::within(std::chrono::hours(1)).check("get");
    const Error late = errorOf([] { CallContext::within(std::chrono::seconds(-1)).check("get a"); });
    EXPECT_EQ(late.code(), ErrorCode::Cancelled);
    EXPECT_STREQ(late.what(), "get a: deadline passed");
    CancellationSource source;
    source.cancel();
    EXPECT_STREQ(errorOf([&] { CallContext::within(std::chrono::hours(1), source.token()).check("put"); }).what(), "put: cancelled");
}

TEST(CallContext, RemainingIsBetweenZeroAndAnHour) {
    using std::chrono::hours;
    EXPECT_EQ(CallContext().remaining(), hours(1));
    EXPECT_EQ(CallContext::within(CallContext::Clock::duration::max()).remaining(), hours(1));
    EXPECT_EQ(CallContext::within(hours(-1)).remaining(), CallContext::Clock::duration::zero());
    EXPECT_LE(CallContext::within(std::chrono::seconds(10)).remaining(), std::chrono::seconds(10));
}

}  // namespace litestream::plugin
