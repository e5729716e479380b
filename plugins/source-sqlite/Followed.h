#pragma once

#include "Watcher.h"

#include <optional>

namespace litestream::sqlite {

/// What the watcher knows of one attached database. Belongs to Watcher.
struct Watcher::Followed {
    Followed(std::shared_ptr<Watch> w, const LockConnection& c) : watch(std::move(w)), connection(c), index_(c.index()) {}

    /// One look at the wal-index: notes what changed and adds the calls that are due.
    /// Returns true if anything changed since the last look.
    bool look(Clock::time_point now, Calls& calls);

    /// Begins to load what look() reads.
    void prefetch() const noexcept;

    /// When a warm database should be looked at again, given whether the last look saw a change.
    void schedule(Clock::time_point now, bool changed);

    bool quiet(Clock::time_point now) const noexcept;

    /// True while checkpoints by others are what we wait for: they write the database file, not the WAL.
    bool awaitsBackfill() const noexcept;

    /// Whether somebody has written what the wal-index does not tell yet: frames behind mxFrame, or pages of a checkpoint. No event will
    /// tell of it any more when it is published, so it takes polling. Frames that were never committed look the same, so
    /// the answer is no after a while.
    bool underway(Clock::time_point now);

    /// When the source wants to be called.
    Clock::time_point callAt() noexcept;

    std::shared_ptr<Watch> watch;
    const LockConnection& connection;
    int walDescriptor = -1;  // of inotify; -1 = not armed
    int databaseDescriptor = -1;
    bool isWarm = false;
    Clock::time_point nextLook{};

private:
    void report(Calls& calls);
    bool followsLoneCommits() const noexcept;
    bool hot(Clock::time_point now) const noexcept;

    const WalIndex index_;  // the connection's mapping
    bool initialised_ = false;
    WalIndexHeader seen_;
    std::uint32_t seenBackfill_ = 0;
    std::uint64_t reportedVersion_ = 0;  // of `watch`, when report() last ran
    Clock::time_point callAt_{};
    Clock::time_point lastActivity_{};  // an event or a change
    bool unexplained_ = false;          // an event without a change since
    Clock::time_point lastCommit_{};
    Clock::duration commitGap_ = std::chrono::milliseconds(20);  // smoothed
    Clock::duration interval_{};

    friend class Watcher;
};

/// A detached database. Belongs to Watcher.
struct Watcher::Awaited {
    std::shared_ptr<Watch> watch;
    std::filesystem::path database;
    bool missing;
    Clock::time_point retryAt;
};

}  // namespace litestream::sqlite
