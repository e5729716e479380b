#include "Fixture.h"

#include <fstream>

namespace litestream::test {
namespace {

class Attaching : public SourceJournal {};

TEST_F(Attaching, GoesOnWhereItWas) {
    App app(database);
    app.must(create("DELETE") + ";" + insertRows(100));
    Follower follower(database);
    follower.attach();
    follower.source().detach();
    EXPECT_EQ(follower.attach(true).outcome, Attachment::Outcome::Proved);
    follower.captureAll();
    app.must(kInsert);
    ASSERT_EQ(follower.source().capture(1 << 20, follower.mirror()).outcome, Capture::Outcome::Captured);
    EXPECT_LE(follower.mirror().pendingPages(), 3u);
    EXPECT_EQ(follower.losses, 0u);
}

TEST_F(Attaching, ACommitBeforeThePagesAreKnownIsALoss) {
    App app(database);
    // More than can be read while it attaches.
    app.must(create("DELETE") + "; PRAGMA synchronous=OFF; INSERT INTO t(a) SELECT zeroblob(200000000)");
    Follower follower(database);
    follower.attach();
    follower.source().detach();
    ASSERT_EQ(follower.attach(true).outcome, Attachment::Outcome::Proved);
    app.must(kInsert);
    EXPECT_EQ(follower.capture().outcome, Capture::Outcome::Lost);
    expectMirrorIsDatabase(follower);
}

TEST_F(Attaching, WhatChangedMeanwhileIsALoss) {
    App app(database);
    app.must(create("DELETE"));
    Follower follower(database);
    follower.attach();
    follower.source().detach();
    app.must(kInsert);
    EXPECT_EQ(follower.attach(true).outcome, Attachment::Outcome::Lost);
    expectMirrorIsDatabase(follower);
}

// A copy that was put back has its own history: the same counter means nothing.
TEST_F(Attaching, ContentThatWasPutBackIsALossWhateverTheCounterSays) {
    App app(database);
    app.must(create("DELETE"));
    Follower follower(database);
    const auto old = readFile(database);
    app.must(kInsert);
    follower.attach();
    follower.source().detach();
    std::ofstream(database, std::ios::binary).write(reinterpret_cast<const char*>(old.data()), static_cast<std::streamsize>(old.size()));
    {
        App another(database);
        another.must(kInsert);  // the counter is that of the captured state again
    }
    ASSERT_EQ(readFile(database).size(), follower.mirror().content().size());
    EXPECT_EQ(follower.attach(true).outcome, Attachment::Outcome::Lost);
    expectMirrorIsDatabase(follower);
}

TEST_F(Attaching, APositionOfAnotherSourceProvesNothing) {
    App app(database);
    app.must(create("DELETE"));
    Follower follower(database);
    follower.position.size = 48;
    EXPECT_EQ(follower.attach(true).outcome, Attachment::Outcome::Lost);
    EXPECT_NE(follower.attachment.reason.find("rollback mode"), std::string::npos) << follower.attachment.reason;
}

TEST_F(Attaching, WaitsForAFileThatIsThereLater) {
    Follower follower(database, {{"slow-poll", "20ms"}});
    EXPECT_EQ(follower.attach().outcome, Attachment::Outcome::Detached);
    App app(database);
    app.must(create("DELETE"));
    EXPECT_TRUE(follower.waitForWake(Wake::Attach));
    EXPECT_EQ(follower.attach().outcome, Attachment::Outcome::Lost);
}

TEST_F(Attaching, AnExclusivelyLockedDatabaseIsWaitedFor) {
    App app(database);
    app.must("PRAGMA locking_mode=EXCLUSIVE;" + create("DELETE"));
    Follower follower(database);
    EXPECT_EQ(follower.attach().outcome, Attachment::Outcome::Detached);
    EXPECT_NE(follower.attachment.reason.find("locking_mode=EXCLUSIVE"), std::string::npos) << follower.attachment.reason;
    app.must("PRAGMA locking_mode=NORMAL; SELECT count(*) FROM t");
    EXPECT_TRUE(follower.waitForWake(Wake::Attach));
    EXPECT_EQ(follower.attach().outcome, Attachment::Outcome::Lost);
}

TEST_F(Attaching, AWalDatabaseIsRefusedAndLeftAlone) {
    {
        App app(database);
        app.must(create("WAL") + ";" + kInsert);
    }
    const auto before = traceOf(directory);
    Follower follower(database);
    EXPECT_EQ(follower.attach().outcome, Attachment::Outcome::Detached);
    EXPECT_NE(follower.attachment.reason.find("\"sqlite\""), std::string::npos) << follower.attachment.reason;
    EXPECT_TRUE(before == traceOf(directory));
}

TEST_F(Attaching, WhatIsNoDatabaseIsRefused) {
    std::ofstream(database) << std::string(5000, 'x');
    Follower follower(database);
    EXPECT_EQ(follower.attach().outcome, Attachment::Outcome::Detached);
    EXPECT_NE(follower.attachment.reason.find("not a SQLite database"), std::string::npos) << follower.attachment.reason;
}

}  // namespace
}  // namespace litestream::test
