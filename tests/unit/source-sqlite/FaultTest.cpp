#include "Fixture.h"
#include "PatchedVfs.h"

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

    static void live(Follower& follower, App& app) {
        auto attach = [&] {
            for (int i = 0; i < 3 && follower.source().status().state.starts_with("detached"); ++i)
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
        live(follower, app);
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

}  // namespace
}  // namespace litestream::test
