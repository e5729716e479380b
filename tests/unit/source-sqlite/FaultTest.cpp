#include "Fixture.h"

#include <sqlite3.h>

#include <cstring>
#include <memory>
#include <mutex>

namespace litestream::test {
namespace {

/// SQLite's own VFS with one method replaced: the lock calls of this process fail on demand. It patches a copy of the method table into the
/// files that are opened while it is the default VFS.
class FailingLocks {
public:
    FailingLocks() {
        base_ = sqlite3_vfs_find(nullptr);
        vfs_ = *base_;
        vfs_.zName = "failing-locks";
        vfs_.xOpen = &open;
        sqlite3_vfs_register(&vfs_, 1);
    }
    ~FailingLocks() {
        sqlite3_vfs_register(base_, 1);
        sqlite3_vfs_unregister(&vfs_);
    }

    /// The n-th lock call from now on fails, if it is of the kind. 0 = none.
    static inline int failAt = 0;
    static inline bool failUnlocks = false;
    static inline int calls = 0;
    static inline bool failed = false;

    static void arm(int at, bool unlocks) {
        failAt = at;
        failUnlocks = unlocks;
        calls = 0;
        failed = false;
    }

private:
    static int open(sqlite3_vfs*, sqlite3_filename name, sqlite3_file* file, int flags, int* out) {
        const int rc = base_->xOpen(base_, name, file, flags, out);
        if (rc == SQLITE_OK && (flags & SQLITE_OPEN_MAIN_DB) != 0) {
            original_ = file->pMethods;
            patched_ = *original_;
            patched_.xShmLock = &shmLock;
            file->pMethods = &patched_;
        }
        return rc;
    }

    static int shmLock(sqlite3_file* file, int offset, int n, int flags) {
        const bool unlock = (flags & SQLITE_SHM_UNLOCK) != 0;
        if (failAt > 0 && unlock == failUnlocks && ++calls == failAt) {
            failed = true;
            return unlock ? SQLITE_IOERR_UNLOCK : SQLITE_IOERR_SHMLOCK;
        }
        return original_->xShmLock(file, offset, n, flags);
    }

    static inline sqlite3_vfs* base_ = nullptr;
    static inline const sqlite3_io_methods* original_ = nullptr;
    static inline sqlite3_io_methods patched_;
    sqlite3_vfs vfs_;
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
        }
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

}  // namespace
}  // namespace litestream::test
