#include "TransportSuite.h"

namespace litestream::conformance {

namespace {

/// Names around '/', which sorts between '.' and '0': a walk of a directory tree gets this order wrong unless it takes care.
/// No key continues another one with '/': a file system could not hold both.
const std::vector<std::string> kKeys{"a!/x",  "a-/z",   "a-0",   "a.b",   "a/b/c-1",         "a0",
                                     "b/0/1", "b/0/10", "b/0/2", "b/1/1", "generations/x/y", "z"};

std::string quoted(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

}  // namespace

void TransportListing::SetUp() {
    TransportSuite::SetUp();
    keys_ = kKeys;
    for (auto key = keys_.rbegin(); key != keys_.rend(); ++key) put(*key, *key);
}

std::vector<std::string> TransportListing::expected(std::string_view prefix, std::string_view after,
                                                    std::size_t limit) const {
    std::vector<std::string> found;
    for (const std::string& key : keys_) {
        if (key.starts_with(prefix) && key > after && found.size() < limit) found.push_back(key);
    }
    return found;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TransportListing);

LITESTREAM_CLAUSE(TransportListing, GivesAllKeysInByteOrder, "Transport.h", "ascending by the bytes of the key.") {
    expectKeys("of 12 objects", keys_);
}

LITESTREAM_CLAUSE(TransportListing, KeepsToThePrefix, "Transport.h", "objects whose key begins with `prefix`") {
    for (const char* prefix :
         {"a", "a-", "a.", "a/", "a/b", "a/b/", "b", "b/", "b/0", "b/0/", "b/0/1", "b/2", "zz", "none/of/these/"}) {
        expectSame("list the prefix " + quoted(prefix), list(prefix), expected(prefix, "", 1000));
    }
}

LITESTREAM_CLAUSE(TransportListing, StartsBehindAnyText, "Transport.h", "and is greater than `startAfter`") {
    for (const char* after : {"", "a", "a-", "a-/", "a-/z", "a.b", "a/b", "a/b/c-1", "a/c", "b", "b/0/", "b/0/1",
                              "b/0/11", "c", "z", "zz"}) {
        expectSame("list everything behind " + quoted(after), list("", after), expected("", after, 1000));
        expectSame("list the prefix \"b/\" behind " + quoted(after), list("b/", after), expected("b/", after, 1000));
    }
}

LITESTREAM_CLAUSE(TransportListing, PagesWithoutGapOrRepetition, "Transport.h",
                  "Fewer than `limit` means that there are no more.") {
    for (std::size_t limit = 1; limit <= keys_.size() + 1; ++limit) {
        const std::string how = " with the limit " + std::to_string(limit);
        std::vector<std::string> all;
        for (;;) {
            const auto page = list("", all.empty() ? "" : all.back(), limit);
            expectTrue("list" + how, page.size() <= limit, std::to_string(page.size()) + " objects",
                       "no more than the limit");
            all.insert(all.end(), page.begin(), page.end());
            if (page.size() < limit || all.size() > 2 * keys_.size()) break;
        }
        expectSame("list page after page" + how, all, keys_);
    }
}

LITESTREAM_CLAUSE(TransportListing, TellsSizes, "Transport.h", "Up to `limit` (at least 1) objects") {
    for (const ObjectInfo& info : transport_->list("", "", 1000, context_)) {
        expectSame("size that list tells for " + info.key, info.size, info.key.size());
    }
}

LITESTREAM_CLAUSE(TransportListing, RemoveTakesWhatItIsTold, "Transport.h",
                  "Removes objects. One that is already gone counts as removed.") {
    const auto failures = remove({"b/0/1", "b/1/1", "b/0/1", "never/was", "z"});
    expectTrue("remove five keys, one twice and one that never was", failures.empty(),
               failures.empty() ? "" : "failure of " + failures[0].key + ": " + failures[0].reason, "no failure");
    std::erase_if(keys_, [](const std::string& key) { return key == "b/0/1" || key == "b/1/1" || key == "z"; });
    expectKeys("after remove returned", keys_);
    expectError("head of what was removed", ErrorCode::NotFound, [&] { transport_->head("z", context_); });
    expectTrue("remove no key at all", remove({}).empty(), "a failure", "nothing");
    expectKeys("after remove of no key", keys_);
}

LITESTREAM_CLAUSE(TransportListing, RemovedKeyCanBeWrittenAgain, "Transport.h",
                  "Replaces an existing object unless `onlyIfAbsent`") {
    remove({"b/1/1"});
    put("b/1/1", "again");
    expectContent("after remove and put", "b/1/1", "again");
}

LITESTREAM_CLAUSE(TransportSuite, EmptyRootHasNoObjects, "Transport.h",
                  "A root or prefix that does not exist has no objects.") {
    expectKeys("of a root that nobody wrote to", {});
    expectSame("list the prefix \"ltx/0/\" of such a root", list("ltx/0/"), std::vector<std::string>());
    expectTrue("remove from such a root", remove({"ltx/0/a"}).empty(), "a failure", "no failure");
}

}  // namespace litestream::conformance
