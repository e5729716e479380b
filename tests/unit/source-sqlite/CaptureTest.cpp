#include "Fixture.h"

#include "WalPosition.h"

#include <sys/stat.h>

#include <fstream>
#include <thread>

namespace litestream::test {
namespace {

using Outcome = Capture::Outcome;

class CaptureTest : public SourceSqlite {
protected:
    CaptureTest() { app.must(kCreate); }
    App app{database};
};

TEST_F(CaptureTest, NothingNewIsUnchanged) {
    Follower follower(database);
    follower.attach();
    EXPECT_EQ(follower.capture().outcome, Outcome::Unchanged);
}

TEST_F(CaptureTest, PositionsFollowEachOtherWithinAGeneration) {
    Follower follower(database);
    follower.attach();
    for (int i = 0; i < 3; ++i) {
        app.must(kInsert);
        ASSERT_EQ(follower.capture().outcome, Outcome::Captured);
    }
    ASSERT_EQ(follower.captures.size(), 3u);
    const auto frame = [&](std::size_t i) { return sqlite::WalPosition::decode(follower.captures[i].position)->frame; };
    EXPECT_FALSE(newGeneration(follower, 0));
    EXPECT_LT(frame(0), frame(1));
    EXPECT_LT(frame(1), frame(2));
    app.must("PRAGMA wal_checkpoint(PASSIVE)");
    follower.captureAll();
    app.must(kInsert);
    ASSERT_EQ(follower.capture().outcome, Outcome::Captured);
    EXPECT_TRUE(newGeneration(follower, 3));
    EXPECT_LE(frame(3), frame(0)) << "frames are counted anew";
    app.must(kInsert);
    ASSERT_EQ(follower.capture().outcome, Outcome::Captured);
    EXPECT_FALSE(newGeneration(follower, 4));
}

TEST_F(CaptureTest, StopsAtTheFirstCommitBehindTheBudget) {
    Follower follower(database);
    follower.attach();
    for (int i = 0; i < 5; ++i) app.must(insertRows(100));
    EXPECT_EQ(follower.capture(1).outcome, Outcome::More);
    EXPECT_EQ(follower.capture(1).outcome, Outcome::More);
    EXPECT_EQ(follower.capture().outcome, Outcome::Captured);
    EXPECT_EQ(follower.capture().outcome, Outcome::Unchanged);
    expectMirrorIsDatabase(follower);
}

TEST_F(CaptureTest, SinkWithoutRoomEndsAsLost) {
    class FullSink final : public PageSink {
        void page(PageNumber, ConstBytes) override { throw Error(ErrorCode::DiskFull, "no room"); }
    };
    Follower follower(database);
    follower.attach();
    app.must(kInsert);
    FullSink sink;
    const auto capture = follower.source().capture(1 << 20, sink);
    EXPECT_EQ(capture.outcome, Outcome::Lost);
    EXPECT_EQ(capture.reason, "no room");
    EXPECT_EQ(follower.capture().outcome, Outcome::Lost);  // and repairs
    EXPECT_EQ(follower.capture().outcome, Outcome::Unchanged);
    expectMirrorIsDatabase(follower);
}

TEST_F(CaptureTest, T03_SpillsRewriteFramesOfARunningTransaction) {
    Follower follower(database);
    app.must("PRAGMA cache_size=10");
    app.must(insertRows(500));
    follower.attach();
    for (int round = 0; round < 5; ++round) {
        app.send(
            "BEGIN; UPDATE t SET a=randomblob(500); UPDATE t SET a=randomblob(500) WHERE id%2; UPDATE t SET "
            "a=randomblob(400); COMMIT");
        // Captures in the middle of the transaction, as often as there is time.
        std::thread waiter([&] { EXPECT_EQ(app.receive().rc, 0); });
        for (int i = 0; i < 50; ++i) follower.capture();
        waiter.join();
        app.must("BEGIN; UPDATE t SET a=randomblob(500); ROLLBACK");
        follower.captureAll();
    }
    EXPECT_EQ(follower.losses, 0u);
    expectMirrorIsDatabase(follower);
}

TEST_F(CaptureTest, T08_SmallCommitInALargeLeftoverWalIsSeenBySlowPoll) {
    Follower follower(database, {{"slow-poll", "50ms"}});
    follower.attach();
    app.must(insertRows(500));
    follower.captureAll();
    app.must("PRAGMA wal_checkpoint(PASSIVE)");
    follower.captureAll();
    const auto size = std::filesystem::file_size(walPath());
    follower.forgetWakes();
    app.must(kInsert);
    EXPECT_EQ(std::filesystem::file_size(walPath()), size);
    EXPECT_TRUE(follower.waitForWake(Wake::Changed));
    EXPECT_EQ(follower.capture().outcome, Outcome::Captured);
    expectMirrorIsDatabase(follower);
}

TEST_F(CaptureTest, T12_SaltsChangeWhileTheWalIsEmpty) {
    app.must("PRAGMA wal_checkpoint(TRUNCATE)");
    Follower follower(database);
    follower.attach();
    EXPECT_EQ(follower.capture().outcome, Outcome::Unchanged);
    App(database).must(kInsert);
    EXPECT_EQ(follower.capture().outcome, Outcome::Captured);
    EXPECT_EQ(follower.losses, 0u);
    expectMirrorIsDatabase(follower);
}

TEST_F(CaptureTest, T13_ChainsOfTruncationsSayNothing) {
    Follower follower(database);
    follower.attach();
    for (int i = 0; i < 5; ++i) {
        app.must(kInsert);
        follower.captureAll();
        app.must("PRAGMA wal_checkpoint(PASSIVE)");
        follower.captureAll();
        for (int k = 0; k <= i; ++k) {
            EXPECT_EQ(app.must("PRAGMA wal_checkpoint(TRUNCATE)"), "0");
            follower.captureAll();
        }
        App(database).must(kInsert);
        follower.captureAll();
        expectGuardIsReal(follower);
    }
    EXPECT_EQ(follower.losses, 0u);
    expectMirrorIsDatabase(follower);
}

TEST_F(CaptureTest, T14_AnEmptyWalIsAnOrdinaryPosition) {
    app.must("PRAGMA wal_checkpoint(TRUNCATE)");
    Follower follower(database);
    follower.attach();
    EXPECT_NE(follower.source().status().position.find("frame 0"), std::string::npos);
    follower.source().detach();
    EXPECT_EQ(follower.attach(true).outcome, Attachment::Outcome::Lost);
    app.must(kInsert);
    EXPECT_EQ(follower.capture().outcome, Outcome::Captured);
    expectMirrorIsDatabase(follower);
}

TEST_F(CaptureTest, T15_TruncationWhileAttachedLosesNothing) {
    Follower follower(database);
    follower.attach();
    for (int i = 0; i < 50; ++i) {
        app.must(insertRows(1 + i % 7));
        if (i % 2 == 0) follower.captureAll();
        if (i % 3 == 0) app.run("PRAGMA wal_checkpoint(TRUNCATE)");
        if (i % 5 == 0) app.run("PRAGMA wal_checkpoint(RESTART)");
        if (i % 7 == 0) follower.captureAll();
    }
    EXPECT_EQ(follower.losses, 0u);
    expectMirrorIsDatabase(follower);
}

TEST_F(CaptureTest, T17_ShrinkingDatabases) {
    app.must("PRAGMA journal_mode=DELETE; PRAGMA auto_vacuum=INCREMENTAL; VACUUM; PRAGMA journal_mode=WAL");
    Follower follower(database);
    follower.attach();
    for (int i = 0; i < 6; ++i) {
        app.must(insertRows(400));
        app.must("DELETE FROM t WHERE id%2");
        if (i % 2 == 0) app.must("VACUUM");
        app.must("PRAGMA incremental_vacuum(5)");
        app.must(insertRows(3));
        app.must("PRAGMA incremental_vacuum");
        follower.captureAll();
    }
    EXPECT_EQ(follower.losses, 0u);
    expectMirrorIsDatabase(follower);
}

TEST_F(CaptureTest, T22_TornWalHeaderIsRetriedThenLost) {
    app.must("PRAGMA wal_checkpoint(TRUNCATE)");
    Follower follower(database);
    follower.attach();
    app.must(kInsert);
    const auto header = readFile(walPath());
    std::fstream wal(walPath(), std::ios::in | std::ios::out | std::ios::binary);
    wal.seekp(20).write("\0\0\0\0", 4).flush();
    const auto capture = follower.source().capture(1 << 20, follower.mirror());
    EXPECT_EQ(capture.outcome, Outcome::Lost);
    EXPECT_NE(capture.reason.find("header of the WAL"), std::string::npos) << capture.reason;
    wal.seekp(20).write(reinterpret_cast<const char*>(header.data()) + 20, 4).flush();
    EXPECT_EQ(follower.capture().outcome, Outcome::Lost);
    expectMirrorIsDatabase(follower);
}

TEST_F(CaptureTest, T16_DamagedFrameIsNeverShipped) {
    Follower follower(database);
    follower.attach();
    app.must(kInsert);
    follower.captureAll();
    const auto good = std::filesystem::file_size(walPath());
    app.must(kInsert);
    std::fstream wal(walPath(), std::ios::in | std::ios::out | std::ios::binary);
    wal.seekp(static_cast<std::streamoff>(good) + 1000);
    char original = 0;
    wal.seekg(static_cast<std::streamoff>(good) + 1000).get(original);
    wal.seekp(static_cast<std::streamoff>(good) + 1000).put(static_cast<char>(original ^ 1)).flush();
    const auto capture = follower.source().capture(1 << 20, follower.mirror());
    EXPECT_EQ(capture.outcome, Outcome::Lost);
    EXPECT_NE(capture.reason.find("checksum"), std::string::npos) << capture.reason;
    wal.seekp(static_cast<std::streamoff>(good) + 1000).put(original).flush();
    follower.capture();
    expectMirrorIsDatabase(follower);
}

TEST_F(CaptureTest, T24_ReplacedDatabaseDetaches) {
    Follower follower(database, {{"slow-poll", "20ms"}});
    follower.attach();
    app.must(kInsert);
    follower.captureAll();
    const auto other = directory / "new.db";
    {
        App writer(other);
        writer.must(kCreate);
        writer.must(insertRows(10));
    }
    app.close();
    follower.forgetWakes();
    std::filesystem::rename(other, database);
    EXPECT_TRUE(follower.waitForWake(Wake::Pressing));
    Capture capture;
    EXPECT_TRUE(follower.followUntil([&] { return (capture = follower.capture()).outcome == Outcome::Detached; }));
    EXPECT_EQ(capture.reason, "the database file was replaced");
    EXPECT_TRUE(follower.waitForWake(Wake::Attach));
    EXPECT_EQ(follower.attach(true).outcome, Attachment::Outcome::Lost);
    expectMirrorIsDatabase(follower);
}

TEST_F(CaptureTest, T24_RemovedDatabaseDetaches) {
    Follower follower(database, {{"slow-poll", "20ms"}});
    follower.attach();
    app.must(kInsert);
    follower.captureAll();
    app.close();
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(database.string() + suffix);
    EXPECT_TRUE(follower.followUntil([&] { return follower.capture().outcome == Outcome::Detached; }));
    EXPECT_EQ(follower.attach().outcome, Attachment::Outcome::Detached);
    EXPECT_FALSE(std::filesystem::exists(walPath()));
    App(database).must(kCreate);
    EXPECT_TRUE(follower.waitForWake(Wake::Attach));
    EXPECT_EQ(follower.attach(true).outcome, Attachment::Outcome::Lost);
}

TEST_F(CaptureTest, HardLimitGivesUpContinuityNotTheDisk) {
    Follower follower(database, {{"wal-limit-soft", "100KB"}, {"wal-limit-hard", "400KB"}});
    follower.attach();
    app.must("PRAGMA wal_autocheckpoint=0");
    for (int i = 0; i < 10; ++i) app.must(insertRows(100));
    const auto capture = follower.source().capture(1 << 20, follower.mirror());
    EXPECT_EQ(capture.outcome, Outcome::Lost);
    EXPECT_NE(capture.reason.find("wal-limit-hard"), std::string::npos);
    EXPECT_TRUE(kernelLocks(database).empty());
    follower.capture();
    expectMirrorIsDatabase(follower);
}

}  // namespace
}  // namespace litestream::test
