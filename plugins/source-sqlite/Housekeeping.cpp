#include "../sqlite/LockHolders.h"
#include "SqliteSource.h"

#include <sys/prctl.h>

#include <thread>

namespace litestream::sqlite {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// The barrier is the only place where a writer may meet a lock of ours, so every step of it is bounded.
constexpr auto kWriteLockPatience = milliseconds(4);
constexpr auto kWriteLockPause = microseconds(30);
constexpr std::uint64_t kLongestTailBytes = 4u << 20;
constexpr std::uint64_t kShortTailBytes = 1u << 20;
constexpr int kApproaches = 3;
constexpr auto kCheckpointPatience = milliseconds(5);
constexpr auto kLongestHold = milliseconds(50);
constexpr auto kReleasePatience = std::chrono::seconds(1);

// A checkpoint of the application that is running is met at its end, not waited for longer than it usually takes.
constexpr auto kMeetingPatience = milliseconds(10);
constexpr auto kMeetingPause = microseconds(30);
/// No checkpoint is faster: two fsyncs, and a read and a write for each frame.
constexpr auto kFastestCheckpoint = microseconds(150);
constexpr auto kFastestFrame = microseconds(2);

/// By default the kernel rounds a sleep up by 50 us, longer than the moment that is to be met.
void sleepPrecisely(microseconds duration) {
    thread_local const bool precise = ::prctl(PR_SET_TIMERSLACK, 1000) == 0;
    if (precise) std::this_thread::sleep_for(duration);
}

/// Spins for SQLite's write lock. A busy handler would sleep for too long to win against a tight writer.
HeldLock spinForWriteLock(LockConnection& connection) {
    const auto deadline = SteadyClock::now() + kWriteLockPatience;
    for (;;) {
        if (auto lock = connection.tryExclusive(kWriteLock)) return lock;
        if (SteadyClock::now() >= deadline) return {};
        std::this_thread::sleep_for(kWriteLockPause);
    }
}

}  // namespace

bool SqliteSource::tryEnterBackfill() {
    if (!released_ || !guard_->enterBackfill(position_)) return false;
    logCanBeRecycled();
    return true;
}

void SqliteSource::logCanBeRecycled() {
    hardLimit_ = settings_.walLimitHard;
    reportAbove_ = settings_.walLimitSoft;
}

/// An application that writes without a pause leaves one door open: between the end of its checkpoint and its next write. Whoever misses it makes
/// the application checkpoint again after every commit, with two fsyncs each. So while a checkpoint is copying what is captured already, we stay
/// and are there when it ends. No lock is waited for: a commit by somebody else ends the wait, and so does time.
void SqliteSource::meetCheckpoint() {
    const WalIndex& index = connection_->index();
    if (guard_->hold() != Guard::Hold::Reset) return;
    const std::uint32_t attempted = index.nBackfillAttempted();
    if (attempted != position_.frame || attempted <= index.nBackfill() || attempted == abandonedAttempt_) return;
    const auto deadline = SteadyClock::now() + kMeetingPatience;
    sleepPrecisely(kFastestCheckpoint + (attempted - index.nBackfill()) * kFastestFrame);
    while (SteadyClock::now() < deadline) {
        if (tryEnterBackfill()) return;
        const auto header = index.header();
        if (header && (header->mxFrame != position_.frame || header->aSalt != position_.salts)) return;
        if (index.nBackfill() < attempted) sleepPrecisely(kMeetingPause);
    }
    abandonedAttempt_ = attempted;
}

void SqliteSource::keepHouse(PageSink& sink, Capture& result) {
    if (guard_->hold() != Guard::Hold::Reset || tryEnterBackfill()) return;
    const auto header = connection_->index().header();
    if (!header) return;
    const auto now = SteadyClock::now();
    const auto step = plan_->next(*header, connection_->index().nBackfill(), walBytes(header->mxFrame), now);
    if (step == CheckpointPlan::Step::None) return;
    // The barrier ends with the log being recyclable, so it presumes that core soon lets go of what it captures.
    const bool withheld = !released_ && now - unreleasedSince_ > kReleasePatience;
    if (step == CheckpointPlan::Step::Barrier && withheld) return;

    auto outcome = CheckpointPlan::Result::Blocked;
    try {
        outcome = step == CheckpointPlan::Step::Passive ? passive(*header) : barrier(sink, result);
    } catch (const Refusal& refusal) {
        host_.log(LogLevel::Warning, context_.database.string() + ": " + refusal.what());
    }
    plan_->done(step, outcome, SteadyClock::now());
    if (outcome == CheckpointPlan::Result::Blocked) reportReader(*header);
    // An idle database keeps one connection.
    if (step == CheckpointPlan::Step::Passive && guard_->hold() == Guard::Hold::Backfill) checkpointer_->close();
}

/// Safe beside a vulnerable SQLite because Hold::Reset is held: the WAL cannot be reset under the checkpoint.
CheckpointPlan::Result SqliteSource::passive(const WalIndexHeader& header) {
    if (checkpointer_->passive() == Checkpointer::Result::Busy) return CheckpointPlan::Result::Missed;
    if (connection_->index().nBackfill() < header.mxFrame) return CheckpointPlan::Result::Blocked;
    tryEnterBackfill();
    return CheckpointPlan::Result::Progress;
}

/// Writers that commit without a pause never leave the moment in which everything is both captured and checkpointed. Makes that
/// moment: copies and captures what is there until little is left, then holds writers off for the rest.
CheckpointPlan::Result SqliteSource::barrier(PageSink& sink, Capture& result) {
    for (int round = 0; round < kApproaches; ++round) {
        const auto header = connection_->index().header();
        if (!header) return CheckpointPlan::Result::Missed;
        const auto helped = passive(*header);
        if (helped == CheckpointPlan::Result::Blocked || guard_->hold() == Guard::Hold::Backfill) return helped;
        captureTail(sink, result);
        if (result.outcome == Capture::Outcome::More) return CheckpointPlan::Result::Missed;
        if (walBytes(position_.frame - connection_->index().nBackfill()) <= kShortTailBytes) break;
    }
    const HeldLock write = spinForWriteLock(*connection_);
    if (!write) return CheckpointPlan::Result::Missed;
    const auto begun = SteadyClock::now();
    const bool entered = finishUnderWriteLock(sink, result);
    const auto held = std::chrono::duration_cast<milliseconds>(SteadyClock::now() - begun);
    if (held > kLongestHold) {
        host_.log(LogLevel::Warning,
                  context_.database.string() + ": writers were held off for " + std::to_string(held.count()) + " ms");
    }
    return entered ? CheckpointPlan::Result::Progress : CheckpointPlan::Result::Missed;
}

/// The end of the log stands still, so that it can be reached. A checkpoint of the application may be doing our work.
bool SqliteSource::finishUnderWriteLock(PageSink& sink, Capture& result) {
    captureTail(sink, result);
    if (result.outcome == Capture::Outcome::More) return false;
    const auto deadline = SteadyClock::now() + kCheckpointPatience;
    while (connection_->index().nBackfill() < position_.frame && SteadyClock::now() < deadline) {
        if (checkpointer_->passive() == Checkpointer::Result::Busy) std::this_thread::sleep_for(kWriteLockPause);
    }
    // Core releases what it gets as soon as capture() returns. That would be after the writers are let go, hence too late.
    if (!guard_->enterBackfill(position_)) return false;
    logCanBeRecycled();
    return true;
}

/// What was committed since the last pass goes to the running capture, unless it is too long for the moment.
void SqliteSource::captureTail(PageSink& sink, Capture& result) {
    const auto header = connection_->index().header();
    if (!header || header->mxFrame == position_.frame) return;
    if (walBytes(header->mxFrame - position_.frame) > kLongestTailBytes) {
        result.outcome = Capture::Outcome::More;
        return;
    }
    pass(*header, kLongestTailBytes, sink, result);
}

/// When our guard or an image is what keeps a huge log from being recycled, continuity is given up, not the application's
/// disk. A foreign reader would keep it just as well; then giving up gains nothing.
void SqliteSource::enforceHardLimit(const WalIndexHeader& header) {
    if (walBytes(header.mxFrame) <= hardLimit_) return;
    if (const auto pin = image_.lock(); pin && !pin->revoked()) {
        pin->revoke();
        return;
    }
    const bool behind = !released_ || walBytes(header.mxFrame - position_.frame) > hardLimit_ / 2;
    if (!behind && (settings_.barrier || guard_->blockedByReader(header))) return;
    hardLimit_ = 2 * walBytes(header.mxFrame);  // what follows starts with the same log
    throw WalDamage("the WAL has grown to " + std::to_string(walBytes(header.mxFrame)) +
                    " bytes, beyond wal-limit-hard: it is let go so that the application can recycle it");
}

/// The log grows because somebody reads an old state and does not end. Only a person can do something about it, who has to know whom to ask. Once, and
/// again whenever the log has doubled.
void SqliteSource::reportReader(const WalIndexHeader& header) {
    const std::uint64_t bytes = walBytes(header.mxFrame);
    if (bytes <= reportAbove_) return;
    if (const auto pin = image_.lock(); pin && !pin->revoked()) return;  // it is our own image that reads
    if (!guard_->blockedByReader(header)) return;
    std::string readers;
    const auto shm = identityOf(context_.database.string() + "-shm");
    for (int reader = 0; shm && reader < WalIndex::kReaders; ++reader) {
        if (reader > 0 && connection_->index().readMark(reader) >= header.mxFrame) continue;
        for (const auto& holder : foreignHolders(shm->inode, kLockBytes + readLock(reader))) {
            readers += (readers.empty() ? "" : ", ") + describe(holder);
        }
    }
    reportAbove_ = 2 * bytes;
    host_.log(LogLevel::Warning, context_.database.string() + ": the WAL has grown to " + std::to_string(bytes) +
                                     " bytes and cannot be recycled, because of a reader of an older state: " +
                                     (readers.empty() ? describe(LockHolder{}) : readers) +
                                     ". End its transaction, or the process");
}

/// More frames copied than written is the trace of SQLite's WAL-reset bug in another process: its next commits may build on
/// stale pages.
void SqliteSource::reportOverrun(const WalIndexHeader& header) {
    if (overrunReported_ || connection_->index().nBackfill() <= header.mxFrame) return;
    const auto now = connection_->index().header();
    if (!now || now->aSalt != header.aSalt || connection_->index().nBackfill() <= now->mxFrame) return;
    overrunReported_ = true;
    host_.log(LogLevel::Error,
              context_.database.string() +
                  ": the wal-index claims more checkpointed frames than exist, which only SQLite's WAL-reset bug "
                  "(fixed in 3.51.3) does. Check the database with PRAGMA integrity_check and restore a state from "
                  "before now "
                  "if it fails; update the SQLite of every application that uses it");
}

}  // namespace litestream::sqlite
