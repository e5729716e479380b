#include "Fixture.h"
#include "PatchedVfs.h"

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>

namespace litestream::test {
namespace {

/// The lock calls of this process fail on demand.
class FailingLocks {
public:
    /// The n-th lock call from now on fails, if it is of the kind. 0 = none.
    static inline int failAt = 0;
    static inline bool failUnlocks = false;
    static inline int calls = 0;
    static inline bool failed = false;
    static inline int code = SQLITE_IOERR_SHMLOCK;  ///< that a lock fails with

    static void arm(int at, bool unlocks) {
        failAt = at;
        failUnlocks = unlocks;
        calls = 0;
        failed = false;
    }

private:
    static int shmLock(sqlite3_file* file, int offset, int n, int flags) {
        const bool unlock = (flags & SQLITE_SHM_UNLOCK) != 0;
        if (failAt > 0 && unlock == failUnlocks && ++calls == failAt) {
            failed = true;
            return unlock ? SQLITE_IOERR_UNLOCK : code;
        }
        return PatchedVfs::original().xShmLock(file, offset, n, flags);
    }

    const PatchedVfs vfs_{[](sqlite3_io_methods& methods) { methods.xShmLock = &shmLock; }};
};

/// Counts how often somebody wanted to checkpoint while another connection does.
class RefusedCheckpoints {
public:
    static constexpr int kCheckpointByte = 1;
    static inline std::atomic<int> count{0};

private:
    static int shmLock(sqlite3_file* file, int offset, int n, int flags) {
        const int code = PatchedVfs::original().xShmLock(file, offset, n, flags);
        if (offset == kCheckpointByte && code == SQLITE_BUSY) ++count;
        return code;
    }

    const PatchedVfs vfs_{[](sqlite3_io_methods& methods) { methods.xShmLock = &shmLock; }};
};

/// A connection of this process that holds the lock of checkpoints, as somebody does who copies a large log.
class RunningCheckpoint {
public:
    explicit RunningCheckpoint(const std::filesystem::path& database) {
        EXPECT_EQ(sqlite3_open(database.c_str(), &connection_), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(connection_, "SELECT count(*) FROM t", nullptr, nullptr, nullptr), SQLITE_OK);
        sqlite3_file_control(connection_, "main", SQLITE_FCNTL_FILE_POINTER, &file_);
        EXPECT_EQ(lock(SQLITE_SHM_LOCK), SQLITE_OK);
    }
    ~RunningCheckpoint() {
        EXPECT_EQ(lock(SQLITE_SHM_UNLOCK), SQLITE_OK);
        EXPECT_EQ(sqlite3_close(connection_), SQLITE_OK);
    }
    RunningCheckpoint(const RunningCheckpoint&) = delete;
    RunningCheckpoint& operator=(const RunningCheckpoint&) = delete;

private:
    int lock(int flags) { return file_->pMethods->xShmLock(file_, RefusedCheckpoints::kCheckpointByte, 1, flags | SQLITE_SHM_EXCLUSIVE); }

    sqlite3* connection_ = nullptr;
    sqlite3_file* file_ = nullptr;
};

class FaultTest : public SourceSqlite {
protected:
    /// Fails one call after the other until a whole life passes without meeting the failure.
    void failEachCall(bool unlocks) {
        const FailingLocks locks;
        App app(database);
        app.must(kCreate);
        app.must("PRAGMA synchronous=OFF");
        int quietLives = 0;
        int failures = 0;
        for (int at = 1; quietLives < 5; ++at) {
            ASSERT_LT(at, 500);
            Follower follower(database);
            // When an unlock of SQLite's own fails while it attaches, SQLite itself waits for ten seconds.
            if (unlocks) follower.attach();
            FailingLocks::arm(at, unlocks);
            live(follower, app);
            const bool met = FailingLocks::failed;
            FailingLocks::arm(0, false);
            if (follower.source().status().state.starts_with("detached")) follower.attach(true);
            if (!follower.source().status().state.starts_with("following")) tolerant([&] { follower.capture(); });
            ASSERT_EQ(follower.source().status().state, "following");
            expectGuardIsReal(follower);
            expectMirrorIsDatabase(follower);
            quietLives = met ? 0 : quietLives + 1;
            failures += met ? 1 : 0;
        }
        EXPECT_GT(failures, 5);
    }

    /// How often it was detached.
    static int live(Follower& follower, App& app) {
        int detached = 0;
        auto attach = [&] {
            for (int i = 0; i < 3 && follower.source().status().state.starts_with("detached"); ++i, ++detached)
                tolerant([&] { follower.attach(true); });
        };
        attach();
        for (const char* script :
             {kInsert, "PRAGMA wal_checkpoint(PASSIVE)", kInsert, "PRAGMA wal_checkpoint(TRUNCATE)", kInsert}) {
            app.run(script);
            for (int i = 0; i < 2; ++i) {
                tolerant([&] { follower.capture(); });
                attach();
                const auto status = follower.source().status();
                if (status.state == "following") {
                    EXPECT_NE(status.guard, "none");
                }
            }
        }
        return detached;
    }

    static void tolerant(const std::function<void()>& step) {
        try {
            step();
        } catch (const Error&) {
            // No image now. A loss stays a loss until there is one.
        }
    }
};

TEST_F(FaultTest, T43_EveryFailedLockIsNoticed) {
    failEachCall(false);
}

TEST_F(FaultTest, T43_EveryFailedUnlockIsNoticed) {
    failEachCall(true);
}

TEST_F(FaultTest, T85_ALockThatSomebodyHoldsIsKnownByItsCodeAndNoLoss) {
    const FailingLocks locks;
    FailingLocks::code = SQLITE_BUSY;
    App app(database);
    app.must(kCreate);
    app.must("PRAGMA synchronous=OFF");
    Follower follower(database);
    follower.attach();
    follower.captureAll();
    int met = 0;
    for (int at = 1; at <= 8; ++at) {
        FailingLocks::arm(at, false);
        EXPECT_EQ(live(follower, app), 0);
        met += FailingLocks::failed ? 1 : 0;
        FailingLocks::arm(0, false);
        follower.captureAll();
        EXPECT_EQ(follower.source().status().state, "following");
    }
    FailingLocks::code = SQLITE_IOERR_SHMLOCK;
    EXPECT_GT(met, 4);
    EXPECT_EQ(follower.losses, 0u) << follower.lastLoss;
    expectMirrorIsDatabase(follower);
}

TEST_F(FaultTest, T85_ACheckpointOfSomebodyElseIsNoFailureOfOurs) {
    const RefusedCheckpoints refused;
    App app(database);
    app.must(kCreate);
    app.must("PRAGMA wal_autocheckpoint=0");
    Follower follower(database, {{"checkpoint-interval", "10ms"}, {"slow-poll", "10ms"}});
    follower.attach();
    app.must(insertRows(20));
    {
        const RunningCheckpoint running(database);
        RefusedCheckpoints::count = 0;
        EXPECT_TRUE(follower.followUntil([] { return RefusedCheckpoints::count >= 1; }));
    }
    EXPECT_TRUE(follower.followUntil([&] { return follower.source().status().checkpoints >= 1; }));
    EXPECT_EQ(follower.logged(), std::vector<std::string>{});
    EXPECT_EQ(follower.losses, 0u) << follower.lastLoss;
    expectMirrorIsDatabase(follower);
}

}  // namespace
}  // namespace litestream::test
