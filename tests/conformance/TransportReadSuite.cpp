#include "TransportSuite.h"

namespace litestream::conformance {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TransportSuite);

TEST_P(TransportSuite, GetReadsEveryRange) {
    const std::string bytes = noise(1000, 3);
    put("a", bytes);
    for (const std::size_t offset : {0u, 1u, 499u, 998u, 999u, 1000u, 1001u, 100000u}) {
        for (const std::size_t length : {1u, 2u, 500u, 999u, 1000u, 1001u, 5000u}) {
            const std::string expected = offset >= bytes.size() ? "" : bytes.substr(offset, length);
            EXPECT_TRUE(get("a", offset, length) == expected) << length << " bytes at " << offset;
        }
    }
}

TEST_P(TransportSuite, GetBehindTheEndGivesNothing) {
    put("a", "abc");
    EXPECT_EQ(get("a", 3, 10), "");
    EXPECT_EQ(get("a", std::uint64_t{1} << 40, 10), "");
    EXPECT_EQ(get("a", UINT64_MAX, 10), "");
}

TEST_P(TransportSuite, GetLeavesTheRestOfTheBufferAlone) {
    put("a", "abc");
    std::string buffer(10, '#');
    EXPECT_EQ(transport_->get("a", 1, std::as_writable_bytes(std::span(buffer)), context_), 2u);
    EXPECT_EQ(buffer.substr(0, 2), "bc");
}

TEST_P(TransportSuite, EmptyObjectIsAnObject) {
    put("empty", "");
    EXPECT_EQ(get("empty", 0, 10), "");
    EXPECT_EQ(transport_->head("empty", context_).size, 0u);
    EXPECT_EQ(list(), std::vector<std::string>{"empty"});
}

TEST_P(TransportSuite, MissingObjectIsNotFound) {
    put("ltx/0/a", "x");
    for (const char* key : {"b", "ltx/0/b", "ltx/1/a", "ltx/0", "ltx"}) {
        EXPECT_EQ(codeOf([&] { get(key, 0, 10); }), ErrorCode::NotFound) << key;
        EXPECT_EQ(codeOf([&] { transport_->head(key, context_); }), ErrorCode::NotFound) << key;
    }
}

TEST_P(TransportSuite, HeadNamesItsKey) {
    put("ltx/0/a", "x");
    EXPECT_EQ(transport_->head("ltx/0/a", context_).key, "ltx/0/a");
}

TEST_P(TransportSuite, KeysMayHoldAnyPrintableText) {
    for (const char* key : {"with space", "perc%20ent", "plus+and&", "q?x=1#f", "gr\u00fc\u00dfe/\u65e5\u672c", "...", ".hidden", "a..b"}) {
        put(key, key);
        EXPECT_EQ(content(key), key);
    }
    EXPECT_EQ(list().size(), 8u);
}

}  // namespace litestream::conformance
