#include "transport/RetryingTransport.h"

#include "Fixture.h"

namespace litestream::transport::test {
namespace {

constexpr ErrorCode kLasting[] = {ErrorCode::NotFound,    ErrorCode::Conflict,        ErrorCode::Denied,   ErrorCode::Corrupt,
                                  ErrorCode::Unsupported, ErrorCode::InvalidArgument, ErrorCode::DiskFull, ErrorCode::Cancelled};

class Retrying : public ::testing::Test {
protected:
    std::uint64_t put(const CallContext& context = {}, bool onlyIfAbsent = true) {
        TextBody body({"con", "tent"});
        return transport_.put("a", body, {{}, onlyIfAbsent, {}}, context);
    }
    std::uint64_t retries(Operation operation) const { return metrics_->of(operation).retries; }

    FakeTiming timing_;
    RetryPolicy policy_;
    std::shared_ptr<Metrics> metrics_ = std::make_shared<Metrics>();
    ScriptedTransport* store_ = new ScriptedTransport;
    RetryingTransport transport_{std::unique_ptr<Transport>(store_), policy_, metrics_, timing_};
};

TEST_F(Retrying, PassesOnWhatTheStoreIs) {
    EXPECT_EQ(transport_.capabilities().concurrency, 7u);
    EXPECT_EQ(transport_.describe().at(0).second, "/scripted");
}

TEST_F(Retrying, SendsAPutAgainFromItsFirstByte) {
    store_->script = {fail(ErrorCode::Transient), fail(ErrorCode::Throttled)};
    EXPECT_EQ(put(), 7u);
    EXPECT_EQ(store_->objects.at("a"), "content");
    EXPECT_EQ(timing_.waits, (std::vector{milliseconds(50), milliseconds(500)}));
    EXPECT_EQ(retries(Operation::Put), 2u);
}

TEST_F(Retrying, RepeatsEveryOperation) {
    store_->objects["a"] = "content";
    std::array<std::byte, 7> bytes{};
    const std::string keys[] = {"a"};
    const std::function<void()> operations[] = {[&] { EXPECT_EQ(transport_.get("a", 0, bytes, {}), 7u); },
                                                [&] { EXPECT_EQ(transport_.head("a", {}).size, 7u); },
                                                [&] { EXPECT_EQ(transport_.list("", "", 10, {}).size(), 1u); },
                                                [&] { EXPECT_TRUE(transport_.remove(keys, {}).empty()); }};
    for (const auto& operation : operations) {
        store_->requests.clear();
        store_->script = {fail(ErrorCode::Transient)};
        operation();
        EXPECT_EQ(store_->requests.size(), 2u) << store_->requests.front();
        EXPECT_EQ(store_->requests.front(), store_->requests.back());
    }
    for (const auto operation : {Operation::Get, Operation::Head, Operation::List, Operation::Remove}) {
        EXPECT_EQ(retries(operation), 1u) << name(operation);
    }
}

TEST_F(Retrying, GivesUpWithTheLastFailureWhenTheAttemptsAreUsedUp) {
    for (unsigned i = 1; i <= policy_.attempts; ++i) store_->script.push_back(fail(ErrorCode::Transient, "reset " + std::to_string(i)));
    const Error error = errorOf([&] { put(); });
    EXPECT_EQ(error.what(), "reset " + std::to_string(policy_.attempts));
    EXPECT_EQ(store_->requests.size(), policy_.attempts);
}

TEST_F(Retrying, AStoreThatIsAwayGetsOneAttemptForACallUntilItIsBack) {
    for (unsigned i = 0; i < policy_.attempts; ++i) store_->script.push_back(fail(ErrorCode::Transient));
    errorOf([&] { put(); });
    store_->requests.clear();
    store_->script = {fail(ErrorCode::Transient), fail(ErrorCode::Throttled)};
    errorOf([&] { put(); });
    errorOf([&] { transport_.head("a", {}); });
    EXPECT_EQ(store_->requests.size(), 2u);
    EXPECT_EQ(put(), 7u);
    store_->requests.clear();
    store_->script = {fail(ErrorCode::Transient)};
    EXPECT_EQ(transport_.head("a", {}).size, 7u);
    EXPECT_EQ(store_->requests.size(), 2u) << "it is back: faults heal within a call again";
}

TEST_F(Retrying, AnAnswerThatCannotHealSaysNothingOfTheStore) {
    store_->script = {fail(ErrorCode::NotFound), fail(ErrorCode::Transient)};
    errorOf([&] { put(); });
    EXPECT_EQ(put(), 7u);
}

TEST_F(Retrying, DoesNotRepeatWhatCannotHeal) {
    for (const ErrorCode code : kLasting) {
        store_->requests.clear();
        store_->script = {fail(code)};
        EXPECT_EQ(errorOf([&] { put(); }).code(), code);
        EXPECT_EQ(store_->requests.size(), 1u) << describe(code);
    }
    EXPECT_TRUE(timing_.waits.empty());
}

TEST_F(Retrying, EndsWhenItsTimeIsUpHoweverFewAttemptsThereWere) {
    store_->onRequest = [&] { timing_.pass(std::chrono::seconds(8)); };
    for (int i = 0; i < 6; ++i) store_->script.push_back(fail(ErrorCode::Transient));
    EXPECT_EQ(errorOf([&] { put(); }).code(), ErrorCode::Transient);
    EXPECT_EQ(store_->requests.size(), 3u) << "at 8 s, 16 s and 24 s; 15 s after the first failure it is over";
}

TEST_F(Retrying, ALongUploadThatBreaksLateIsSentAgain) {
    store_->script = {[&](const auto&) {
        timing_.pass(std::chrono::minutes(5));
        throw Error(ErrorCode::Transient, "connection reset by peer");
    }};
    EXPECT_EQ(put(), 7u);
}

TEST_F(Retrying, WaitsAsLongAsTheStoreAsks) {
    store_->script = {[](const auto&) { throw Error(ErrorCode::Throttled, "slow down").retryAfter(milliseconds(4000)); }};
    put();
    ASSERT_EQ(timing_.waits.size(), 1u);
    EXPECT_GE(timing_.waits[0], milliseconds(4000));
}

TEST_F(Retrying, GivesUpAtOnceWhenTheStoreAsksForTooMuch) {
    store_->script = {[](const auto&) { throw Error(ErrorCode::Throttled, "slow down").retryAfter(std::chrono::hours(1)); }};
    const Error error = errorOf([&] { put(); });
    EXPECT_EQ(error.code(), ErrorCode::Throttled);
    EXPECT_EQ(error.retryAfter(), std::chrono::hours(1)) << "whoever waits next must know";
    EXPECT_TRUE(timing_.waits.empty());
}

TEST_F(Retrying, DoesNotWaitBeyondTheDeadline) {
    store_->script = {fail(ErrorCode::Transient)};
    CallContext context;
    context.deadline = timing_.now() + milliseconds(20);
    EXPECT_STREQ(errorOf([&] { put(context); }).what(), "connection reset by peer");
    EXPECT_TRUE(timing_.waits.empty());
}

TEST_F(Retrying, ACancellationEndsTheWaitAndTheCall) {
    CancellationSource source;
    store_->script = {fail(ErrorCode::Transient)};
    timing_.onWait = [&] { source.cancel(); };
    EXPECT_EQ(errorOf([&] { put({CallContext::Clock::time_point::max(), source.token()}); }).code(), ErrorCode::Cancelled);
    EXPECT_EQ(store_->requests.size(), 1u);
}

TEST_F(Retrying, ACancelledCallIsNotRepeated) {
    CancellationSource source;
    store_->script = {[&](const auto&) {
        source.cancel();
        throw Error(ErrorCode::Transient, "connection reset by peer");
    }};
    EXPECT_STREQ(errorOf([&] { put({CallContext::Clock::time_point::max(), source.token()}); }).what(), "connection reset by peer");
    EXPECT_TRUE(timing_.waits.empty());
}

TEST_F(Retrying, LeavesALostAnswerToTheCaller) {
    store_->script = {loseAnswer()};
    EXPECT_EQ(errorOf([&] { put(); }).code(), ErrorCode::Conflict) << "the second attempt met the object of the first one";
    EXPECT_EQ(store_->objects.at("a"), "content");
}

TEST_F(Retrying, WithoutAConditionALostAnswerIsSimplySentAgain) {
    store_->script = {loseAnswer()};
    EXPECT_EQ(put({}, false), 7u);
}

TEST(SystemTiming, ACancellationEndsItsWait) {
    CancellationSource source;
    source.cancel();
    const auto begin = systemTiming().now();
    systemTiming().wait(std::chrono::hours(1), source.token());
    EXPECT_LT(systemTiming().now() - begin, std::chrono::minutes(30));
    for (int i = 0; i < 100; ++i) {
        const double chance = systemTiming().random();
        EXPECT_TRUE(chance >= 0 && chance < 1);
    }
}

}  // namespace
}  // namespace litestream::transport::test
