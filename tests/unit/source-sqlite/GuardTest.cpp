#include "Fixture.h"

#include <atomic>
#include <thread>

namespace litestream::test {
namespace {

class GuardTest : public SourceSqlite {
protected:
    GuardTest() { app.must(kCreate); }
    App app{database};
};

const std::set<int> kReset{7};
const std::set<int> kBackfill{3};

TEST_F(GuardTest, T09_AlternatesWithTheLifeOfTheWal) {
    Follower follower(database);
    follower.attach();
    app.must(kInsert);
    follower.captureAll();
    EXPECT_EQ(kernelLocks(database), kReset);
    expectGuardIsReal(follower);

    app.must("PRAGMA wal_checkpoint(PASSIVE)");
    follower.captureAll();
    EXPECT_EQ(kernelLocks(database), kBackfill);
    expectGuardIsReal(follower);

    app.must(kInsert);  // resets the WAL
    EXPECT_EQ(follower.capture().outcome, Capture::Outcome::Captured);
    EXPECT_TRUE(newGeneration(follower, follower.captures.size() - 1));
    EXPECT_EQ(kernelLocks(database), kReset);
    expectGuardIsReal(follower);
    expectMirrorIsDatabase(follower);
    EXPECT_TRUE(kernelLocks(database).empty());
}

TEST_F(GuardTest, T09_EveryOperationLeavesTheGuardInPlace) {
    Follower follower(database);
    follower.attach();
    expectGuardIsReal(follower);
    for (int i = 0; i < 20; ++i) {
        app.must(i % 4 == 3 ? "PRAGMA wal_checkpoint(TRUNCATE)" : kInsert);
        (void)follower.source().status();
        expectGuardIsReal(follower);
        EXPECT_FALSE(kernelLocks(database).empty());
        follower.capture();
        expectGuardIsReal(follower);
        EXPECT_FALSE(kernelLocks(database).empty());
    }
    EXPECT_EQ(follower.losses, 0u);
}

TEST_F(GuardTest, T10_LastApplicationToCloseFindsUsAttached) {
    Follower follower(database);
    follower.attach();
    app.must(kInsert);
    follower.captureAll();
    app.close();
    EXPECT_TRUE(std::filesystem::exists(walPath()));
    EXPECT_TRUE(std::filesystem::exists(database.string() + "-shm"));
    expectGuardIsReal(follower);
    App(database).must(kInsert);
    EXPECT_EQ(follower.capture().outcome, Capture::Outcome::Captured);
    EXPECT_EQ(follower.losses, 0u);
}

TEST_F(GuardTest, ResetWaitsForCaptureAndRelease) {
    Follower follower(database);
    follower.attach();
    app.must(kInsert);
    app.must("PRAGMA wal_checkpoint(PASSIVE)");
    EXPECT_EQ(app.must("PRAGMA wal_checkpoint(RESTART)"), "1");  // busy: not captured

    const auto capture = follower.source().capture(1 << 20, follower.mirror());
    EXPECT_EQ(app.must("PRAGMA wal_checkpoint(RESTART)"), "1");  // busy: not released
    follower.mirror().apply(capture.commit, 4096);
    follower.source().release(capture.position);
    EXPECT_EQ(app.must("PRAGMA wal_checkpoint(RESTART)"), "0");
    expectMirrorIsDatabase(follower);
}

TEST_F(GuardTest, CapturesWithoutAFreeReaderLock) {
    app.must(kInsert);
    Follower follower(database);
    // Four readers at four states occupy all reader locks.
    std::vector<std::unique_ptr<App>> readers;
    for (int i = 0; i < 4; ++i) {
        app.must(kInsert);
        readers.push_back(std::make_unique<App>(database));
        readers.back()->must("BEGIN; SELECT count(*) FROM t");
    }
    EXPECT_EQ(follower.attach().outcome, Attachment::Outcome::Lost) << follower.attachment.reason;
    app.must(kInsert);
    EXPECT_EQ(follower.capture().outcome, Capture::Outcome::Captured);
    expectGuardIsReal(follower);
    readers.clear();
    app.must(kInsert);
    follower.captureAll();
    app.must("PRAGMA wal_checkpoint(PASSIVE)");
    follower.captureAll();
    EXPECT_EQ(kernelLocks(database), kBackfill);
    EXPECT_EQ(follower.losses, 0u);
    expectMirrorIsDatabase(follower);
}

TEST_F(GuardTest, T35_TruncateDoesNotWaitForUs) {
    Follower follower(database);
    follower.attach();
    app.must("PRAGMA busy_timeout=3000");
    for (int i = 0; i < 10; ++i) {
        app.must(insertRows(20));
        follower.captureAll();
        std::atomic<bool> done = false;
        App::Answer answer;
        app.send("PRAGMA wal_checkpoint(TRUNCATE)");
        std::thread waiter([&] {
            answer = app.receive();
            done = true;
        });
        EXPECT_TRUE(follower.followUntil([&] { return done.load(); }));
        waiter.join();
        EXPECT_EQ(answer.text, "0");
    }
    EXPECT_EQ(follower.losses, 0u);
    expectMirrorIsDatabase(follower);
}

TEST_F(GuardTest, T33_LongReaderNeverStopsWriters) {
    Follower follower(database, {{"wal-limit-soft", "200KB"}});
    follower.attach();
    App reader(database);
    app.must(kInsert);
    reader.must("BEGIN; SELECT count(*) FROM t");
    for (int i = 0; i < 60; ++i) {
        EXPECT_EQ(app.run(insertRows(20)).rc, 0);  // no busy timeout
        follower.captureAll();
    }
    EXPECT_EQ(follower.losses, 0u);
    reader.must("COMMIT");
    expectMirrorIsDatabase(follower);
}

TEST_F(GuardTest, NamesTheReaderThatKeepsTheWalFromBeingRecycled) {
    Follower follower(database, {{"wal-limit-soft", "100KB"}});
    follower.attach();
    const auto warnings = [&] {
        auto lines = follower.logged();
        std::erase_if(lines, [](const auto& line) { return line.find("a reader of an older state") == std::string::npos; });
        return lines;
    };
    const auto write = [&] {
        app.must(insertRows(40));
        follower.captureAll();
    };
    for (int i = 0; i < 10; ++i) write();
    EXPECT_TRUE(warnings().empty()) << "nobody reads: " << warnings().front();

    App reader(database);
    reader.must("BEGIN; SELECT count(*) FROM t");
    EXPECT_TRUE(follower.followUntil([&] {
        write();
        return !warnings().empty();
    }));
    EXPECT_NE(warnings().front().find("process " + std::to_string(reader.pid()) + " (sqlite-app)"), std::string::npos)
        << warnings().front();
    EXPECT_EQ(warnings().front().find("process " + std::to_string(app.pid()) + " "), std::string::npos) << warnings().front();
    reader.must("COMMIT");
    expectMirrorIsDatabase(follower);
}

TEST_F(GuardTest, PassiveHelpAfterTheInterval) {
    Follower follower(database, {{"checkpoint-interval", "50ms"}, {"slow-poll", "10ms"}});
    follower.attach();
    app.must("PRAGMA wal_autocheckpoint=0");
    app.must(kInsert);
    EXPECT_TRUE(follower.followUntil(
        [&] { return follower.source().status().checkpoints > 0 && kernelLocks(database) == kBackfill; }));
    expectMirrorIsDatabase(follower);
}

}  // namespace
}  // namespace litestream::test
