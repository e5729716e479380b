#include "Followed.h"

#include <algorithm>

namespace litestream::sqlite {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// Below this size nobody checkpoints by default, so nothing is gained by speed.
constexpr std::uint32_t kPressingFrames = 300;
constexpr auto kHotFor = milliseconds(100);
/// A database that gets a commit now and then is watched between them; one that gets more costs less when it is polled.
constexpr auto kLoneCommitGap = milliseconds(20);
constexpr auto kQuietAfter = milliseconds(40);
/// Between the write that raised an event and the publication of what it was for lies an fsync, on a bad day a long one.
constexpr auto kUnexplainedFor = milliseconds(1000);
constexpr Watcher::Clock::duration kFirstInterval = microseconds(50);
constexpr Watcher::Clock::duration kWarmInterval = milliseconds(1);
constexpr Watcher::Clock::duration kSlowestInterval = milliseconds(5);
constexpr Watcher::Clock::duration kHotInterval = microseconds(250);

}  // namespace

void Watcher::Followed::prefetch() const noexcept {
    index_.prefetch();
    __builtin_prefetch(watch.get());
}

bool Watcher::Followed::look(Clock::time_point now, Calls& calls) {
    const std::uint32_t nBackfill = index_.nBackfill();
    if (initialised_ && nBackfill == seenBackfill_ && index_.unchangedSince(seen_)) {
        if (watch->version() != reportedVersion_) report(calls);  // what is due may depend on the source
        return false;
    }
    const auto header = index_.tryHeader();
    if (!header) return false;  // in the middle of a commit
    initialised_ = true;
    const bool committed = *header != seen_;
    const bool changed = committed || nBackfill != seenBackfill_;
    if (committed) {
        const auto commits = std::max<std::uint32_t>(1, header->iChange - seen_.iChange);
        const auto gap = std::min<Clock::duration>(now - lastCommit_, kHotFor) / commits;
        commitGap_ = (commitGap_ * 3 + gap) / 4;
        lastCommit_ = now;
    }
    if (changed) {
        lastActivity_ = now;
        unexplained_ = false;
    }
    seen_ = *header;
    seenBackfill_ = nBackfill;
    report(calls);
    return changed;
}

void Watcher::Followed::report(Calls& calls) {
    reportedVersion_ = watch->version();  // before the state: a newer one is reported again
    const Watch::State state = watch->state();
    callAt_ = state.callAt;
    if (state.hold == Guard::Hold::None) return;  // core knows that the source is lost
    const bool captured = seen_.mxFrame == state.frame && (seen_.mxFrame == 0 || seen_.aSalt == state.salts);
    const bool mayRecycle =
        captured && state.hold == Guard::Hold::Reset && state.released && seenBackfill_ == seen_.mxFrame;
    if (!captured && watch->firstReport(Wake::Changed)) calls.push_back({watch, Wake::Changed});
    if ((mayRecycle || (!captured && seen_.mxFrame > kPressingFrames)) && watch->firstReport(Wake::Pressing)) {
        calls.push_back({watch, Wake::Pressing});
    }
}

bool Watcher::Followed::hot(Clock::time_point now) const noexcept {
    return seen_.mxFrame > kPressingFrames && now - lastCommit_ < kHotFor;
}

void Watcher::Followed::schedule(Clock::time_point now, bool changed) {
    if (hot(now)) {
        // The log can be recycled only between "the application has checkpointed" and "it writes again": be a few times
        // faster than the application commits, and no faster.
        interval_ = std::clamp<Clock::duration>(commitGap_ / 4, kHotInterval, kSlowestInterval);
    } else if (changed) {
        interval_ = kWarmInterval;
    } else {
        interval_ = std::clamp<Clock::duration>(interval_ * 4, kFirstInterval, kSlowestInterval);
    }
    nextLook = now + interval_;
}

bool Watcher::Followed::quiet(Clock::time_point now) const noexcept {
    const Clock::duration after =
        unexplained_ ? kUnexplainedFor : followsLoneCommits() ? Clock::duration{} : kQuietAfter;
    return now - lastActivity_ >= after;
}

bool Watcher::Followed::followsLoneCommits() const noexcept {
    return commitGap_ >= kLoneCommitGap;
}

bool Watcher::Followed::underway(Clock::time_point now) {
    if (!initialised_ || now - lastActivity_ >= kUnexplainedFor) return false;
    unexplained_ = index_.nBackfillAttempted() > index_.nBackfill() || connection.wal().continues(seen_);
    return unexplained_;
}

Watcher::Clock::time_point Watcher::Followed::callAt() noexcept {
    if (watch->version() != reportedVersion_) callAt_ = watch->state().callAt;
    return callAt_;
}

bool Watcher::Followed::awaitsBackfill() const noexcept {
    return seenBackfill_ < seen_.mxFrame;
}

}  // namespace litestream::sqlite
