#include "TransportSuite.h"

namespace litestream::conformance {

namespace {

/// Names around '/', which sorts between '.' and '0': a walk of a directory tree gets this order wrong unless it takes care.
/// No key continues another one with '/': a file system could not hold both.
const std::vector<std::string> kKeys{"a!/x", "a-/z", "a-0", "a.b", "a/b/c-1", "a0", "b/0/1", "b/0/10", "b/0/2", "b/1/1", "generations/x/y", "z"};

}  // namespace

void TransportListing::SetUp() {
    TransportSuite::SetUp();
    keys_ = kKeys;
    for (auto key = keys_.rbegin(); key != keys_.rend(); ++key) put(*key, *key);
}

std::vector<std::string> TransportListing::expected(std::string_view prefix, std::string_view after, std::size_t limit) const {
    std::vector<std::string> found;
    for (const std::string& key : keys_) {
        if (key.starts_with(prefix) && key > after && found.size() < limit) found.push_back(key);
    }
    return found;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TransportListing);

TEST_P(TransportListing, GivesAllKeysInByteOrder) { EXPECT_EQ(list(), keys_); }

TEST_P(TransportListing, KeepsToThePrefix) {
    for (const char* prefix : {"a", "a-", "a.", "a/", "a/b", "a/b/", "b", "b/", "b/0", "b/0/", "b/0/1", "b/2", "zz", "none/of/these/"}) {
        EXPECT_EQ(list(prefix), expected(prefix, "", 1000)) << prefix;
    }
}

TEST_P(TransportListing, StartsBehindAnyText) {
    for (const char* after : {"", "a", "a-", "a-/", "a-/z", "a.b", "a/b", "a/b/c-1", "a/c", "b", "b/0/", "b/0/1", "b/0/11", "c", "z", "zz"}) {
        EXPECT_EQ(list("", after), expected("", after, 1000)) << after;
        EXPECT_EQ(list("b/", after), expected("b/", after, 1000)) << after;
    }
}

TEST_P(TransportListing, PagesWithoutGapOrRepetition) {
    for (std::size_t limit = 1; limit <= keys_.size() + 1; ++limit) {
        std::vector<std::string> all;
        for (;;) {
            const auto page = list("", all.empty() ? "" : all.back(), limit);
            EXPECT_LE(page.size(), limit);
            all.insert(all.end(), page.begin(), page.end());
            if (page.size() < limit) break;
        }
        EXPECT_EQ(all, keys_) << "limit " << limit;
    }
}

TEST_P(TransportListing, TellsSizes) {
    for (const ObjectInfo& info : transport_->list("", "", 1000, context_)) EXPECT_EQ(info.size, info.key.size());
}

TEST_P(TransportListing, RemoveTakesWhatItIsTold) {
    EXPECT_TRUE(remove({"b/0/1", "b/1/1", "b/0/1", "never/was", "z"}).empty());
    std::erase_if(keys_, [](const std::string& key) { return key == "b/0/1" || key == "b/1/1" || key == "z"; });
    EXPECT_EQ(list(), keys_);
    EXPECT_EQ(codeOf([&] { transport_->head("z", context_); }), ErrorCode::NotFound);
    EXPECT_TRUE(remove({}).empty());
    EXPECT_EQ(list(), keys_);
}

TEST_P(TransportListing, RemovedKeyCanBeWrittenAgain) {
    EXPECT_TRUE(remove({"b/1/1"}).empty());
    put("b/1/1", "again");
    EXPECT_EQ(content("b/1/1"), "again");
}

TEST_P(TransportSuite, EmptyRootHasNoObjects) {
    EXPECT_TRUE(list().empty());
    EXPECT_TRUE(list("ltx/0/").empty());
    EXPECT_TRUE(remove({"ltx/0/a"}).empty());
}

}  // namespace litestream::conformance
