#include "Fixture.h"

#include <algorithm>
#include <atomic>
#include <sstream>
#include <thread>

namespace litestream::test {
namespace {

/// Several applications at once, a follower that is driven by its wake calls, and the question whether the copy is exact.
class LoadTest : public SourceSqlite {
protected:
    LoadTest() { App(database).must(kCreate); }

    struct Run {
        int failure = 0;
        long runs = 0;
        long longestMicroseconds = 0;
    };

    /// Lets each application loop over its script and follows meanwhile. Sees the largest number of frames in the WAL.
    std::vector<Run> follow(Follower& follower, const std::vector<std::string>& scripts, const std::string& setup,
                            int milliseconds) {
        std::vector<std::unique_ptr<App>> apps;
        std::vector<Run> runs(scripts.size());
        std::vector<std::thread> waiters;
        std::atomic<std::size_t> finished = 0;
        for (std::size_t i = 0; i < scripts.size(); ++i) {
            apps.push_back(std::make_unique<App>(database));
            apps[i]->must(setup);
        }
        for (std::size_t i = 0; i < scripts.size(); ++i) {
            apps[i]->send("loop " + std::to_string(milliseconds) + " " + scripts[i]);
            waiters.emplace_back([&, i] {
                const auto answer = apps[i]->receive();
                runs[i].failure = answer.rc;
                std::istringstream(answer.text) >> runs[i].runs >> runs[i].longestMicroseconds;
                ++finished;
            });
        }
        EXPECT_TRUE(follower.followUntil(
            [&] {
                walBytes = std::max(walBytes, follower.source().status().walBytes);
                return finished == scripts.size();
            },
            60s));
        for (auto& waiter : waiters) waiter.join();
        return runs;
    }
    std::uint64_t walBytes = 0;
};

TEST_F(LoadTest, T36_T37_TightWriterKeepsASmallWal) {
    Follower follower(database);
    follower.attach();
    const auto runs = follow(follower, {"INSERT OR REPLACE INTO t VALUES(abs(random())%2000, randomblob(300))"},
                             "PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=1000", 2000);
    EXPECT_EQ(runs[0].failure, 0);
    EXPECT_EQ(follower.losses, 0u) << follower.lastLoss;
    EXPECT_LT(walBytes, std::uint64_t{64} << 20);
    RecordProperty("frames", std::to_string(walBytes / 4120));
    RecordProperty("commits", std::to_string(runs[0].runs));
    expectMirrorIsDatabase(follower);
}

TEST_F(LoadTest, T39_LogIsRecycledUnderATightWriterThatNeverCheckpoints) {
    Follower follower(database);
    follower.attach();
    const auto recycled = [&] {
        for (std::size_t i = 0; i < follower.captures.size(); ++i) {
            if (newGeneration(follower, i)) return true;
        }
        return false;
    };
    for (int i = 0; i < 20 && !recycled(); ++i) {
        const auto runs = follow(follower, {"INSERT OR REPLACE INTO t VALUES(abs(random())%2000, randomblob(300))"},
                                 "PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=0; PRAGMA busy_timeout=1000", 1000);
        EXPECT_EQ(runs[0].failure, 0);
    }
    EXPECT_TRUE(recycled());
    EXPECT_EQ(follower.losses, 0u) << follower.lastLoss;
    expectMirrorIsDatabase(follower);
}

TEST_F(LoadTest, T38_ChaosOfEveryCheckpointMode) {
    Follower follower(database, {{"wal-limit-soft", "1MB"}});
    follower.attach();
    const auto runs =
        follow(follower,
               {"INSERT OR REPLACE INTO t VALUES(abs(random())%500, randomblob(900)); PRAGMA wal_checkpoint(TRUNCATE)",
                "BEGIN IMMEDIATE; UPDATE t SET a=randomblob(700) WHERE id%3=0; ROLLBACK; "
                "INSERT OR REPLACE INTO t VALUES(abs(random())%900, randomblob(300)); PRAGMA wal_checkpoint(RESTART)",
                "DELETE FROM t WHERE id%11=0; VACUUM; PRAGMA wal_checkpoint(FULL); SELECT count(*) FROM t"},
               "PRAGMA synchronous=OFF; PRAGMA cache_size=10; PRAGMA busy_timeout=5000", 2000);
    for (const auto& run : runs) EXPECT_GT(run.runs, 0);
    EXPECT_EQ(follower.losses, 0u) << follower.lastLoss;
    expectGuardIsReal(follower);
    expectMirrorIsDatabase(follower);
}

TEST_F(LoadTest, T40_ApplicationWithoutBusyTimeoutNeverMeetsALock) {
    Follower follower(database);
    follower.attach();
    const auto runs = follow(follower, {"INSERT OR REPLACE INTO t VALUES(abs(random())%200, randomblob(100))"},
                             "PRAGMA synchronous=NORMAL", 1500);
    EXPECT_EQ(runs[0].failure, 0);
    EXPECT_EQ(follower.losses, 0u);
    expectMirrorIsDatabase(follower);
}

}  // namespace
}  // namespace litestream::test
