#include "transport/Compose.h"

#include "Fixture.h"
#include "transport/MeteredTransport.h"
#include "transport/RateLimitedTransport.h"
#include "util/Log.h"

#include <numeric>
#include <thread>

namespace litestream::transport::test {
namespace {

using std::chrono::seconds;

class StackTest : public ::testing::Test {
protected:
    StackTest() { stack_.timing = &timing_; }
    ~StackTest() override { log::configure({}); }

    Transport& transport() {
        if (!transport_) transport_ = compose(std::unique_ptr<Transport>(store_), stack_);
        return *transport_;
    }
    void limit(const Rates& rates) { stack_.rate = std::make_shared<RateLimit>(rates, timing_); }
    std::uint64_t put(const std::string& key = "a", const CallContext& context = {}) {
        TextBody body({"con", "tent"});
        return transport().put(key, body, {}, context);
    }
    const OperationMetrics& metrics(Operation operation) { return stack_.metrics->of(operation); }
    milliseconds waited() const { return std::accumulate(timing_.waits.begin(), timing_.waits.end(), milliseconds(0)); }

    FakeTiming timing_;
    Stack stack_;
    ScriptedTransport* store_ = new ScriptedTransport;
    std::unique_ptr<Transport> transport_;
};

TEST_F(StackTest, CountsRequestsBytesAndErrorsByOperation) {
    std::array<std::byte, 4> bytes{};
    put();
    transport().get("a", 0, bytes, {});
    store_->script = {fail(ErrorCode::NotFound)};
    errorOf([&] { transport().head("b", {}); });
    transport().list("", "", 1, {});
    EXPECT_EQ(metrics(Operation::Put).requests, 1u);
    EXPECT_EQ(metrics(Operation::Put).bytes, 7u);
    EXPECT_EQ(metrics(Operation::Get).bytes, 4u);
    EXPECT_EQ(metrics(Operation::Head).failed(), 1u);
    EXPECT_EQ(metrics(Operation::Head).errors[static_cast<std::size_t>(ErrorCode::NotFound)], 1u);
    EXPECT_EQ(metrics(Operation::List).requests, 1u);
    EXPECT_EQ(metrics(Operation::Remove).requests, 0u);
}

TEST_F(StackTest, CountsEveryAttemptAndItsTimeWithoutTheWaits) {
    timing_.chance = 0.9;
    store_->script = {fail(ErrorCode::Transient), fail(ErrorCode::Throttled)};
    store_->onRequest = [&] { timing_.pass(milliseconds(7)); };
    put();
    EXPECT_EQ(metrics(Operation::Put).requests, 3u);
    EXPECT_EQ(metrics(Operation::Put).retries, 2u);
    EXPECT_EQ(metrics(Operation::Put).bytes, 7u);
    EXPECT_EQ(metrics(Operation::Put).nanoseconds, 21'000'000u);
    EXPECT_EQ(metrics(Operation::Put).durations[0], 3u);
}

TEST_F(StackTest, SortsDurationsIntoClasses) {
    for (const auto time : {milliseconds(10), milliseconds(11), milliseconds(60'000), milliseconds(60'001)}) {
        store_->onRequest = [&] { timing_.pass(time); };
        put();
    }
    const auto& durations = metrics(Operation::Put).durations;
    EXPECT_EQ(durations[0], 1u);
    EXPECT_EQ(durations[1], 1u);
    EXPECT_EQ(durations[kDurationBounds.size() - 1], 1u);
    EXPECT_EQ(durations[kDurationBounds.size()], 1u);
}

TEST_F(StackTest, WithoutALimitNobodyWaits) {
    for (int i = 0; i < 1000; ++i) put();
    EXPECT_TRUE(timing_.waits.empty());
}

TEST_F(StackTest, KeepsToARateOfRequestsAfterTheFirstSecondsWorth) {
    limit({.requestsPerSecond = 4});
    for (int i = 0; i < 4 + 1; ++i) put();
    EXPECT_EQ(waited(), seconds(0)) << "a bucket that is not in debt lets one more through";
    for (int i = 0; i < 8; ++i) put();
    EXPECT_EQ(waited(), seconds(2));
    EXPECT_EQ(metrics(Operation::Put).nanoseconds, 0u) << "waiting for a token is no slow request";
}

TEST_F(StackTest, EachAttemptIsARequest) {
    limit({.requestsPerSecond = 1});
    timing_.chance = 0;
    store_->script = {fail(ErrorCode::Transient), fail(ErrorCode::Transient), fail(ErrorCode::Transient)};
    put();
    EXPECT_EQ(waited(), seconds(2));
}

TEST_F(StackTest, AnUploadWaitsBetweenItsRuns) {
    limit({.bytesPerSecond = 2});
    put();
    EXPECT_EQ(waited(), milliseconds(500)) << "three bytes overdraw the bucket by one, which the run behind waits for";
    put();
    EXPECT_EQ(waited(), milliseconds(500 + 2000 + 1500));
}

TEST_F(StackTest, ADownloadIsPaidForByTheNextOne) {
    limit({.bytesPerSecond = 2});
    store_->objects["a"] = "content";
    std::array<std::byte, 7> bytes{};
    transport().get("a", 0, bytes, {});
    EXPECT_EQ(waited(), seconds(0));
    transport().get("a", 0, bytes, {});
    EXPECT_EQ(waited(), milliseconds(2500));
}

TEST_F(StackTest, DoesNotWaitForATokenBehindTheDeadline) {
    limit({.requestsPerSecond = 0.1});
    put();
    put();
    CallContext context;
    context.deadline = timing_.now() + seconds(1);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(errorOf([&] { put("a", context); }).code(), ErrorCode::Cancelled);
    EXPECT_EQ(store_->requests.size(), 2u);
    put();
    EXPECT_LE(waited(), seconds(10)) << "what was refused costs nothing";
}

TEST_F(StackTest, ACancellationEndsTheWaitForAToken) {
    limit({.requestsPerSecond = 1});
    put();
    put();
    CancellationSource source;
    timing_.onWait = [&] { source.cancel(); };
    EXPECT_EQ(errorOf([&] { put("a", {CallContext::Clock::time_point::max(), source.token()}); }).code(), ErrorCode::Cancelled);
}

TEST_F(StackTest, SeveralTransportsShareALimit) {
    limit({.requestsPerSecond = 2});
    const auto other = compose(std::make_unique<ScriptedTransport>(), stack_);
    for (int i = 0; i < 3; ++i) put();
    EXPECT_EQ(waited(), seconds(0));
    other->list("", "", 1, {});
    EXPECT_EQ(waited(), milliseconds(500));
}

TEST_F(StackTest, WritesALineForARequest) {
    log::configure({.level = log::Level::Trace});
    stack_.label = {{"db", "/a.db"}, {"replica", "file"}};
    store_->onRequest = [&] { timing_.pass(milliseconds(3)); };
    ::testing::internal::CaptureStdout();
    put("ltx/0/a.ltx");
    const std::string line = ::testing::internal::GetCapturedStdout();
    EXPECT_NE(line.find("level=TRACE msg=request db=/a.db replica=file operation=PUT key=ltx/0/a.ltx bytes=7 duration=3ms"),
              std::string::npos)
        << line;
}

TEST_F(StackTest, AFaultThatHealsIsOneLineAtDebugAndNoneAbove) {
    stack_.label = {{"replica", "file"}};
    for (const auto level : {log::Level::Debug, log::Level::Info}) {
        log::configure({.level = level});
        store_->script = {fail(ErrorCode::Transient)};
        ::testing::internal::CaptureStdout();
        put();
        const std::string lines = ::testing::internal::GetCapturedStdout();
        EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), level == log::Level::Debug ? 1 : 0) << lines;
        if (level != log::Level::Debug) continue;
        EXPECT_NE(lines.find("level=DEBUG msg=\"request failed\" replica=file operation=PUT key=a duration=0s error=\"connection reset by peer\""),
                  std::string::npos)
            << lines;
    }
}

}  // namespace
}  // namespace litestream::transport::test
