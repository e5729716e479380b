#include "Fixture.h"

#include <sys/resource.h>

#include <random>
#include <thread>

namespace litestream::test {
namespace {

/// With a slow poll of an hour only events and the polling that follows them can wake.
class WatcherTest : public SourceSqlite {
protected:
    WatcherTest() { app.must(kCreate); }
    /// Long enough for the watcher to go from polling back to waiting for events; no outcome depends on it.
    static void calm() { std::this_thread::sleep_for(100ms); }
    App app{database};
    Follower follower{database, {{"slow-poll", "1h"}}};
};

TEST_F(WatcherTest, CommitOfAnIdleDatabaseWakes) {
    follower.attach();
    for (int i = 0; i < 5; ++i) {
        follower.captureAll();
        calm();
        follower.forgetWakes();
        app.must(kInsert);
        ASSERT_TRUE(follower.waitForWake(Wake::Changed)) << "round " << i;
    }
}

TEST_F(WatcherTest, CheckpointOfAnIdleDatabaseWakesToLetTheLogRecycle) {
    follower.attach();
    for (int i = 0; i < 5; ++i) {
        app.must(kInsert);
        follower.captureAll();
        ASSERT_EQ(kernelLocks(database), std::set<int>{7});
        calm();
        follower.forgetWakes();
        app.must("PRAGMA wal_checkpoint(PASSIVE)");
        ASSERT_TRUE(follower.waitForWake(Wake::Pressing)) << "round " << i;
        follower.captureAll();
        ASSERT_EQ(kernelLocks(database), std::set<int>{3});
    }
}

/// A commit writes its frames, which raises the event, before it is published. Both may lie on either side of the moment in which
/// the watcher goes back to waiting for events.
TEST_F(WatcherTest, CommitsOneAfterTheOtherWake) {
    follower.attach();
    std::minstd_rand random{1};
    for (int i = 0; i < 60; ++i) {
        calm();  // after a pause it goes back at once
        app.must(kInsert);
        app.send(kInsert);
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 400));
        follower.captureAll();
        EXPECT_EQ(app.receive().rc, 0);
        const auto captured = [&] {
            const SourceStatus status = follower.source().status();
            const auto frames = status.walBytes / (24 + follower.attachment.pageSize);
            return status.position.find(" frame " + std::to_string(frames) + ",") != std::string::npos;
        };
        ASSERT_TRUE(follower.followUntil(captured)) << "round " << i;
    }
    expectMirrorIsDatabase(follower);
}

TEST_F(WatcherTest, LargeUncapturedLogIsPressing) {
    follower.attach();
    app.must("PRAGMA wal_autocheckpoint=0");
    calm();
    follower.forgetWakes();
    app.must(insertRows(4000));
    EXPECT_TRUE(follower.waitForWake(Wake::Changed));
    EXPECT_TRUE(follower.waitForWake(Wake::Pressing));
}

TEST_F(WatcherTest, OneCommitIsReportedOnce) {
    follower.attach();
    follower.captureAll();
    follower.forgetWakes();
    app.must(kInsert);
    ASSERT_TRUE(follower.waitForWake(Wake::Changed));
    follower.forgetWakes();
    app.must(kInsert);
    EXPECT_FALSE(follower.waitForWake(Wake::Changed, 100ms));  // nobody captured since
    follower.captureAll();
    app.must(kInsert);
    EXPECT_TRUE(follower.waitForWake(Wake::Changed));
}

TEST_F(WatcherTest, SilentAfterDetachAndDestruction) {
    follower.attach();
    follower.source().detach();
    follower.forgetWakes();
    app.must(kInsert);
    EXPECT_FALSE(follower.waitForWake(Wake::Changed, 100ms));
    follower.attach();
    follower.destroy();
    follower.forgetWakes();
    app.must(kInsert);
    EXPECT_FALSE(follower.waitForWake(Wake::Changed, 100ms));
}

TEST_F(SourceSqlite, SourcesComeAndGoUnderTheWatcher) {
    std::vector<std::filesystem::path> paths;
    for (int i = 0; i < 4; ++i) {
        paths.push_back(directory / (std::to_string(i) + ".db"));
        App(paths.back()).must(kCreate);
    }
    std::vector<std::thread> threads;
    for (const auto& path : paths) {
        threads.emplace_back([&path] {
            App app(path);
            app.must("PRAGMA synchronous=OFF");
            for (int i = 0; i < 20; ++i) {
                Follower follower(path, {{"slow-poll", "1ms"}});
                follower.attach();
                app.must(kInsert);
                EXPECT_TRUE(follower.waitForWake(Wake::Changed));
                follower.captureAll();
                follower.source().detach();
            }
        });
    }
    for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace litestream::test
