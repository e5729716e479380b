#include "TransportSuite.h"

namespace litestream::conformance {

TEST_P(TransportSuite, RefusesWhatIsNoKey) {
    for (const std::string key : {"", "/", "/a", "a/", "a//b", ".", "..", "./a", "a/./b", "a/../b", "..//a", "a\xff"}) {
        EXPECT_EQ(codeOf([&] { put(key, "x"); }), ErrorCode::InvalidArgument) << key;
        EXPECT_EQ(codeOf([&] { get(key, 0, 1); }), ErrorCode::InvalidArgument) << key;
        EXPECT_EQ(codeOf([&] { transport_->head(key, context_); }), ErrorCode::InvalidArgument) << key;
        EXPECT_EQ(codeOf([&] { remove({key}); }), ErrorCode::InvalidArgument) << key;
    }
    EXPECT_TRUE(list().empty());
}

TEST_P(TransportSuite, RefusesABadKeyBeforeItRemovesAGoodOne) {
    put("a", "x");
    EXPECT_EQ(codeOf([&] { remove({"a", "../b"}); }), ErrorCode::InvalidArgument);
    EXPECT_EQ(content("a"), "x");
}

TEST_P(TransportSuite, CancelledCallsDoNothing) {
    put("a", "old");
    CancellationSource source;
    source.cancel();
    const CallContext late = CallContext::within(std::chrono::seconds(-1));
    const CallContext cancelled = CallContext::within(std::chrono::minutes(1), source.token());
    for (const CallContext& context : {late, cancelled}) {
        MemoryBody body("new");
        std::string buffer(3, '?');
        const std::vector<std::string> keys{"a"};
        EXPECT_EQ(codeOf([&] { transport_->put("a", body, {}, context); }), ErrorCode::Cancelled);
        EXPECT_EQ(codeOf([&] { transport_->get("a", 0, std::as_writable_bytes(std::span(buffer)), context); }),
                  ErrorCode::Cancelled);
        EXPECT_EQ(codeOf([&] { transport_->head("a", context); }), ErrorCode::Cancelled);
        EXPECT_EQ(codeOf([&] { transport_->list("", "", 10, context); }), ErrorCode::Cancelled);
        EXPECT_EQ(codeOf([&] { transport_->remove(keys, context); }), ErrorCode::Cancelled);
    }
    EXPECT_EQ(content("a"), "old");
}

TEST_P(TransportSuite, PutCancelledOnItsWayLeavesNothing) {
    CancellationSource source;
    MemoryBody body(noise(1 << 20, 5), 65536);
    body.beforeRun([&](std::size_t taken) {
        if (taken >= 300000) source.cancel();
    });
    const CallContext context = CallContext::within(std::chrono::minutes(1), source.token());
    EXPECT_EQ(codeOf([&] { transport_->put("ltx/0/a", body, {}, context); }), ErrorCode::Cancelled);
    EXPECT_TRUE(list().empty());
    put("ltx/0/a", "x");
    EXPECT_EQ(content("ltx/0/a"), "x");
}

TEST_P(TransportSuite, DescribesItsRoot) {
    const auto pairs = transport_->describe();
    ASSERT_FALSE(pairs.empty());
    for (const auto& [name, value] : pairs) EXPECT_FALSE(name.empty());
    EXPECT_GE(transport_->capabilities().concurrency, 1u);
}

}  // namespace litestream::conformance
