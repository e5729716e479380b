#include "Support.h"
#include "credentials/CachedCredentials.h"

#include <atomic>
#include <future>
#include <latch>
#include <thread>

namespace litestream::s3 {

namespace {

using namespace std::chrono_literals;

/// Gives out credentials with rising numbers, or fails, as the test says.
class Script final : public CredentialSource {
public:
    struct State {
        std::atomic<int> asked{0};
        std::atomic<bool> fails{false};
        std::atomic<bool> changed{false};
        std::optional<std::chrono::seconds> lifetime;
        std::function<void()> before = [] {};
    };
    Script(State& state, const WallTime& now) : state_(state), now_(now) {}

    std::optional<Credentials> fetch(const CallContext&) override {
        const int number = ++state_.asked;
        state_.changed = false;
        state_.before();
        if (state_.fails) throw Error(ErrorCode::Transient, "scripted failure");
        Credentials credentials{"id-" + std::to_string(number), Secret("hidden"), Secret(), std::nullopt};
        if (state_.lifetime) credentials.expires = now_ + *state_.lifetime;
        return credentials;
    }
    bool changed() override { return state_.changed; }

private:
    State& state_;
    const WallTime& now_;
};

/// Holds the one fetch that comes until it is opened.
class Gate {
public:
    explicit Gate(Script::State& state) {
        state.before = [this] {
            arrived_.count_down();
            opened_.wait();
        };
    }
    void awaitArrival() { arrived_.wait(); }
    void open() { opened_.count_down(); }

private:
    std::latch arrived_{1};
    std::latch opened_{1};
};

/// Has nothing and counts.
class Nothing final : public CredentialSource {
public:
    explicit Nothing(int& asked) : asked_(asked) {}
    std::optional<Credentials> fetch(const CallContext&) override {
        ++asked_;
        return std::nullopt;
    }

private:
    int& asked_;
};

class Cached : public testing::Test {
protected:
    Cached() {
        std::vector<std::unique_ptr<CredentialSource>> sources;
        sources.push_back(std::make_unique<Script>(state_, now_));
        cache_ = std::make_unique<CachedCredentials>(std::move(sources), [this] { return now_; });
    }
    std::string id() { return cache_->get({}).accessKeyId; }

    WallTime now_{1000h};
    Script::State state_;
    std::unique_ptr<CachedCredentials> cache_;
};

}  // namespace

TEST_F(Cached, KeepsLastingCredentials) {
    EXPECT_EQ(id(), "id-1");
    now_ += 10000h;
    EXPECT_EQ(id(), "id-1");
}

TEST_F(Cached, RefreshesFiveMinutesBeforeTheEnd) {
    state_.lifetime = 3600s;
    EXPECT_EQ(id(), "id-1");
    now_ += 3600s - 301s;
    EXPECT_EQ(id(), "id-1");
    now_ += 1s;
    EXPECT_EQ(id(), "id-2");
    now_ += 3600s - 301s;
    EXPECT_EQ(id(), "id-2");
}

TEST_F(Cached, KeepsValidCredentialsWhenARefreshFails) {
    state_.lifetime = 3600s;
    EXPECT_EQ(id(), "id-1");
    state_.fails = true;
    now_ += 3400s;
    EXPECT_EQ(id(), "id-1");
    EXPECT_EQ(id(), "id-1");
    EXPECT_EQ(state_.asked, 2) << "a failed refresh is not tried again at once";
    now_ += 6s;
    EXPECT_EQ(id(), "id-1");
    EXPECT_EQ(state_.asked, 3);
    now_ += 200s;
    EXPECT_STREQ(errorOf([&] { id(); }).what(), "scripted failure");
    state_.fails = false;
    now_ += 6s;
    EXPECT_EQ(id(), "id-5");
}

TEST_F(Cached, AsksCredentialsThatExpireSoonOnceInAWhile) {
    state_.lifetime = 120s;
    EXPECT_EQ(id(), "id-1");
    EXPECT_EQ(id(), "id-1");
    now_ += 6s;
    EXPECT_EQ(id(), "id-2");
}

TEST_F(Cached, TakesCredentialsThatSeemToHaveExpiredAndAsksAgainLater) {
    state_.lifetime = -3600s;
    EXPECT_EQ(id(), "id-1");
    now_ += 299s;
    EXPECT_EQ(id(), "id-1");
    now_ += 1s;
    EXPECT_EQ(id(), "id-2");
}

TEST_F(Cached, AsksForOthersWhenTheStoreRejectsThem) {
    state_.lifetime = 3600s;
    const Credentials first = cache_->get({});
    now_ += 6s;
    EXPECT_TRUE(cache_->reject(first));
    EXPECT_TRUE(cache_->reject(first)) << "a second call that was refused in the same moment";
    EXPECT_EQ(id(), "id-2");
    now_ += 6s;
    EXPECT_TRUE(cache_->reject(first)) << "there are newer ones";
    EXPECT_EQ(id(), "id-2");
    EXPECT_EQ(state_.asked, 2);
}

TEST_F(Cached, RejectsNothingAtOnceAfterARefresh) {
    state_.lifetime = 3600s;
    EXPECT_FALSE(cache_->reject(cache_->get({})));
    EXPECT_EQ(id(), "id-1");
    now_ += 5s;
    EXPECT_TRUE(cache_->reject(cache_->get({})));
    EXPECT_EQ(id(), "id-2");
}

TEST_F(Cached, GivesNoRejectedCredentialsOutWhenARefreshFails) {
    const Credentials first = cache_->get({});
    now_ += 6s;
    state_.fails = true;
    EXPECT_TRUE(cache_->reject(first));
    for (int i = 0; i < 2; ++i) EXPECT_STREQ(errorOf([&] { id(); }).what(), "scripted failure");
    EXPECT_EQ(state_.asked, 2);
    state_.fails = false;
    now_ += 6s;
    EXPECT_EQ(id(), "id-3");
}

TEST_F(Cached, AClockThatIsSetBackKeepsNobodyFromAsking) {
    const Credentials first = cache_->get({});
    now_ -= 100h;
    EXPECT_TRUE(cache_->reject(first));
    EXPECT_EQ(id(), "id-2");
}

TEST_F(Cached, NobodyGoesOnWithRejectedCredentialsDuringARefresh) {
    const Credentials first = cache_->get({});
    now_ += 6s;
    EXPECT_TRUE(cache_->reject(first));
    Gate gate(state_);
    auto refreshing = std::async(std::launch::async, [&] { return id(); });
    gate.awaitArrival();
    EXPECT_EQ(errorOf([&] { cache_->get(CallContext::within(1ms)); }).code(), ErrorCode::Cancelled);
    gate.open();
    EXPECT_EQ(refreshing.get(), "id-2");
}

TEST_F(Cached, KeepsAFailureForAMoment) {
    state_.fails = true;
    for (int i = 0; i < 3; ++i) EXPECT_STREQ(errorOf([&] { id(); }).what(), "scripted failure");
    EXPECT_EQ(state_.asked, 1);
    state_.fails = false;
    now_ += 5s;
    EXPECT_EQ(id(), "id-2");
}

TEST_F(Cached, AsksAgainWhenTheSourceChanged) {
    EXPECT_EQ(id(), "id-1");
    state_.changed = true;
    EXPECT_EQ(id(), "id-2");
    EXPECT_EQ(id(), "id-2");
}

TEST_F(Cached, OneThreadAsksForAll) {
    Gate gate(state_);
    auto first = std::async(std::launch::async, [&] { return id(); });
    gate.awaitArrival();
    std::vector<std::future<std::string>> others;
    for (int i = 0; i < 4; ++i) others.push_back(std::async(std::launch::async, [&] { return id(); }));
    gate.open();
    EXPECT_EQ(first.get(), "id-1");
    for (auto& other : others) EXPECT_EQ(other.get(), "id-1");
    EXPECT_EQ(state_.asked, 1);
}

TEST_F(Cached, OthersGoOnWithWhatIsValidDuringARefresh) {
    state_.lifetime = 3600s;
    EXPECT_EQ(id(), "id-1");
    now_ += 3400s;
    Gate gate(state_);
    auto refreshing = std::async(std::launch::async, [&] { return id(); });
    gate.awaitArrival();
    EXPECT_EQ(id(), "id-1");
    gate.open();
    EXPECT_EQ(refreshing.get(), "id-2");
}

TEST_F(Cached, AWaitingCallCanBeCancelled) {
    Gate gate(state_);
    auto first = std::async(std::launch::async, [&] { return id(); });
    gate.awaitArrival();
    CancellationSource source;
    auto waiting = std::async(std::launch::async, [&] {
        return errorOf([&] { cache_->get({CallContext::Clock::time_point::max(), source.token()}); }).code();
    });
    source.cancel();
    EXPECT_EQ(waiting.get(), ErrorCode::Cancelled);
    EXPECT_EQ(errorOf([&] { cache_->get(CallContext::within(1ms)); }).code(), ErrorCode::Cancelled);
    gate.open();
    EXPECT_EQ(first.get(), "id-1");
}

TEST_F(Cached, ACancelledRefreshLeavesNoFailureBehind) {
    CancellationSource source;
    source.cancel();
    EXPECT_EQ(errorOf([&] {
                  cache_->get({CallContext::Clock::time_point::max(), source.token()});
              }).code(),
              ErrorCode::Cancelled);
    EXPECT_EQ(id(), "id-1");
}

TEST(CachedCredentials, SayWhatToSetWhenThereAreNone) {
    int asked = 0;
    std::vector<std::unique_ptr<CredentialSource>> sources;
    sources.push_back(std::make_unique<Nothing>(asked));
    sources.push_back(std::make_unique<Nothing>(asked));
    CachedCredentials cache(std::move(sources), [] { return WallTime(1000h); });
    for (int i = 0; i < 3; ++i) {
        const Error error = errorOf([&] { cache.get({}); });
        EXPECT_EQ(error.code(), ErrorCode::Denied);
        EXPECT_TRUE(contains(error.what(), "no credentials for s3")) << error.what();
        EXPECT_TRUE(contains(error.what(), "Set LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY"))
            << error.what();
    }
    EXPECT_EQ(asked, 2);
}

}  // namespace litestream::s3
