#include "Fixture.h"

#include <cctype>

namespace litestream::test {
namespace {

class Mode : public SourceJournal, public ::testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(SourceJournal, Mode, ::testing::Values("DELETE", "TRUNCATE", "PERSIST", "MEMORY", "OFF"),
                         nameOf);

TEST_P(Mode, EveryCommitIsCaptured) {
    App app(database);
    app.must(create(GetParam()));
    Follower follower(database);
    ASSERT_EQ(follower.attach().outcome, Attachment::Outcome::Lost);
    for (int i = 0; i < 5; ++i) {
        app.must(insertRows(10 * i + 1));
        const Capture capture = follower.capture();
        EXPECT_EQ(capture.outcome, Capture::Outcome::Captured);
        EXPECT_TRUE(readFile(database) == follower.mirror().content());
    }
    app.must("DELETE FROM t WHERE id%3=0; UPDATE t SET a=zeroblob(3000) WHERE id%5=0; VACUUM");
    expectMirrorIsDatabase(follower);
    EXPECT_EQ(follower.losses, 0u);
    EXPECT_EQ(askMirror(follower, "PRAGMA integrity_check"), "ok");
}

TEST_P(Mode, NothingIsWritten) {
    App app(database);
    app.must(create(GetParam()) + ";" + insertRows(100));
    const auto before = traceOf(directory);
    {
        Follower follower(database);
        follower.attach();
        follower.captureAll();
        EXPECT_EQ(follower.image()->pageCount() * 4096u, readFile(database).size());
        follower.source().detach();
        follower.attach(true);
        follower.captureAll();
    }
    EXPECT_TRUE(before == traceOf(directory));
    EXPECT_EQ(app.must("PRAGMA journal_mode"), [&] {
        std::string mode = GetParam();
        for (char& c : mode) c = static_cast<char>(std::tolower(c));
        return mode;
    }());
}

TEST_F(SourceJournal, OnlyChangedPagesTravel) {
    App app(database);
    app.must(create("DELETE") + ";" + insertRows(2000));
    Follower follower(database);
    follower.attach();
    app.must("UPDATE t SET a=randomblob(500) WHERE id=1000");
    auto outcome = Capture::Outcome::More;  // a slow machine needs several looks
    while (outcome == Capture::Outcome::More) outcome = follower.source().capture(1 << 20, follower.mirror()).outcome;
    ASSERT_EQ(outcome, Capture::Outcome::Captured);
    // The row's page, and page 1 with the change counter.
    EXPECT_EQ(follower.mirror().pendingPages(), 2u);
}

TEST_F(SourceJournal, RolledBackTransactionsChangeNothing) {
    App app(database);
    app.must(create("DELETE") + ";" + insertRows(2000) + "; PRAGMA cache_size=5");
    Follower follower(database);
    follower.attach();
    app.must("BEGIN; UPDATE t SET a=randomblob(500); ROLLBACK");
    follower.source().capture(1 << 20, follower.mirror());
    EXPECT_EQ(follower.mirror().pendingPages(), 0u);
    expectMirrorIsDatabase(follower);
}

TEST_F(SourceJournal, AnOpenTransactionIsNotCaptured) {
    App app(database);
    app.must(create("DELETE") + ";" + insertRows(2000));
    Follower follower(database);
    follower.attach();
    const auto committed = readFile(database);
    app.must("BEGIN; UPDATE t SET a=randomblob(500)");
    EXPECT_EQ(follower.capture().outcome, Capture::Outcome::Unchanged);
    EXPECT_TRUE(follower.mirror().content() == committed);
    app.must("COMMIT");
    expectMirrorIsDatabase(follower);
    EXPECT_EQ(follower.losses, 0u);
}

TEST_F(SourceJournal, PagesThatWereSpilledAreNotCaptured) {
    App app(database);
    app.must(create("DELETE") + ";" + insertRows(2000));
    Follower follower(database);
    follower.attach();
    const auto committed = readFile(database);
    app.must("PRAGMA cache_size=5; BEGIN; UPDATE t SET a=randomblob(500)");
    ASSERT_FALSE(readFile(database) == committed) << "nothing was spilled";
    // For longer than a writer is given way to.
    const auto end = std::chrono::steady_clock::now() + 700ms;
    while (std::chrono::steady_clock::now() < end) follower.capture();
    EXPECT_TRUE(follower.mirror().content() == committed);
    app.must("COMMIT");
    expectMirrorIsDatabase(follower);
    EXPECT_EQ(follower.losses, 0u);
}

TEST_F(SourceJournal, FollowsADatabaseThatShrinksAndGrows) {
    App app(database);
    app.must("PRAGMA auto_vacuum=FULL;" + create("TRUNCATE"));
    Follower follower(database);
    follower.attach();
    for (const int rows : {3000, 10, 5000, 1}) {
        app.must("DELETE FROM t;" + insertRows(rows));
        expectMirrorIsDatabase(follower);
    }
    EXPECT_EQ(follower.losses, 0u);
}

TEST_F(SourceJournal, PagesThatComeBackTravelAgain) {
    App app(database);
    app.must("PRAGMA auto_vacuum=FULL;" + create("DELETE") + "; INSERT INTO t VALUES(1, zeroblob(100000))");
    Follower follower(database);
    follower.attach();
    app.must("DELETE FROM t");
    expectMirrorIsDatabase(follower);
    app.must("INSERT INTO t VALUES(1, zeroblob(100000))");
    expectMirrorIsDatabase(follower);
}

TEST_F(SourceJournal, AnotherPageSizeIsALoss) {
    App app(database);
    app.must(create("DELETE") + ";" + insertRows(100));
    Follower follower(database);
    follower.attach();
    app.must("PRAGMA page_size=8192; VACUUM");
    EXPECT_EQ(follower.capture().outcome, Capture::Outcome::Lost);
    EXPECT_NE(follower.lastLoss.find("page size"), std::string::npos) << follower.lastLoss;
    EXPECT_EQ(follower.attachment.pageSize, 8192u);
    app.must(kInsert);
    expectMirrorIsDatabase(follower);
}

TEST_F(SourceJournal, ADatabaseThatIsSwitchedToWalIsLeftToTheOtherSource) {
    App app(database);
    app.must(create("DELETE"));
    Follower follower(database);
    follower.attach();
    app.must("PRAGMA journal_mode=WAL;" + std::string(kInsert));
    const Capture capture = follower.capture();
    EXPECT_EQ(capture.outcome, Capture::Outcome::Detached);
    EXPECT_NE(capture.reason.find("\"sqlite\""), std::string::npos) << capture.reason;
    EXPECT_EQ(follower.attach(true).outcome, Attachment::Outcome::Detached);
    app.must("PRAGMA journal_mode=DELETE");
    EXPECT_TRUE(follower.waitForWake(Wake::Attach));
    EXPECT_EQ(follower.attach(true).outcome, Attachment::Outcome::Lost);
    expectMirrorIsDatabase(follower);
}

TEST_F(SourceJournal, AReplacedFileIsNoticed) {
    App app(database);
    app.must(create("DELETE"));
    Follower follower(database);
    follower.attach();
    follower.captureAll();
    follower.forgetWakes();
    const auto other = directory / "other.db";
    {
        App maker(other);
        maker.must(create("DELETE") + ";" + insertRows(10));
    }
    std::filesystem::rename(other, database);
    EXPECT_TRUE(follower.waitForWake(Wake::Pressing));
    EXPECT_EQ(follower.capture().outcome, Capture::Outcome::Detached);
    EXPECT_EQ(follower.attach(true).outcome, Attachment::Outcome::Lost);
    expectMirrorIsDatabase(follower);
}

TEST_F(SourceJournal, WakesForCommitsAndForNothingElse) {
    App app(database);
    app.must(create("PERSIST"));
    Follower follower(database);
    follower.attach();
    follower.captureAll();
    for (int i = 0; i < 3; ++i) {
        follower.forgetWakes();
        app.must(kInsert);
        EXPECT_TRUE(follower.waitForWake(Wake::Changed));
        follower.captureAll();
        EXPECT_TRUE(readFile(database) == follower.mirror().content());
    }
    follower.forgetWakes();
    app.must("BEGIN;" + insertRows(10) + "; ROLLBACK; SELECT count(*) FROM t");
    EXPECT_FALSE(follower.waitForWake(Wake::Changed, 200ms));
}

}  // namespace
}  // namespace litestream::test
