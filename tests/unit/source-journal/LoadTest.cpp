#include "Fixture.h"

namespace litestream::test {
namespace {

// Rows far apart always have the same value. A capture in which they do not is a mixture of two states.
constexpr const char* kSpread =
    "CREATE TABLE s(id INTEGER PRIMARY KEY, v INTEGER, pad BLOB);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<4000) INSERT INTO s SELECT i, 0, zeroblob(3000) FROM n";
constexpr const char* kStep = "UPDATE s SET v=v+1 WHERE id%400=0";
constexpr const char* kMixture = "SELECT count(DISTINCT v)-1 FROM s WHERE id%400=0";

class Load : public SourceJournal, public ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(SourceJournal, Load, ::testing::Values("DELETE", "TRUNCATE", "PERSIST"),
                         nameOf);

TEST_P(Load, WhateverIsCapturedWhileOthersWriteIsOneState) {
    App app(database);
    app.must(create(GetParam()) + "; PRAGMA synchronous=OFF; PRAGMA busy_timeout=10000;" + kSpread);
    Follower follower(database, {{"hold-limit", "10s"}});
    follower.attach();
    app.send(std::string("loop 2500 ") + kStep);
    std::size_t judged = 0;
    follower.followUntil(
        [&] {
            if (follower.captures.size() == judged) return judged >= 5;
            judged = follower.captures.size();
            EXPECT_EQ(askMirror(follower, kMixture), "0");
            return judged >= 5;
        },
        2400ms);
    EXPECT_GE(judged, 1u) << "the writer kept the source out";
    const auto answer = app.receive();
    EXPECT_EQ(answer.rc, 0) << answer.text;
    expectMirrorIsDatabase(follower);
    EXPECT_EQ(follower.losses, 0u) << follower.lastLoss;
}

TEST_P(Load, AnImageThatIsTakenWhileOthersWriteIsOneState) {
    App app(database);
    app.must(create(GetParam()) + "; PRAGMA synchronous=OFF; PRAGMA busy_timeout=10000;" + kSpread);
    app.send(std::string("loop 1000 ") + kStep);
    Follower follower(database);
    while (follower.attach().outcome == Attachment::Outcome::Detached) follower.waitForWake(Wake::Attach);
    EXPECT_EQ(askMirror(follower, kMixture), "0");
    EXPECT_EQ(askMirror(follower, "PRAGMA integrity_check"), "ok");
    EXPECT_EQ(app.receive().rc, 0);
}

}  // namespace
}  // namespace litestream::test
