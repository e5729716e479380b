#include "CheckpointPlan.h"

#include <algorithm>

namespace litestream::sqlite {
namespace {

/// The application's own checkpoints get this long to show progress.
constexpr auto kPatience = std::chrono::seconds(1);
constexpr auto kMissedPause = std::chrono::milliseconds(10);
constexpr SteadyClock::duration kFirstBackoff = std::chrono::milliseconds(100);
constexpr SteadyClock::duration kLongestBackoff = std::chrono::seconds(10);

}  // namespace

void CheckpointPlan::settle() noexcept {
    pendingSince_ = {};
    notBefore_ = {};
    backoff_ = {};
    callAt_ = {};
}

CheckpointPlan::Step CheckpointPlan::next(const WalIndexHeader& header, std::uint32_t nBackfill, std::uint64_t walBytes,
                                          SteadyClock::time_point now) {
    if (nBackfill >= header.mxFrame) {
        settle();
        return Step::None;
    }
    if (pendingSince_ == SteadyClock::time_point{}) pendingSince_ = lastProgress_ = now;
    if (nBackfill != nBackfill_ || header.aSalt != salts_) lastProgress_ = now;
    nBackfill_ = nBackfill;
    salts_ = header.aSalt;

    const bool many = header.mxFrame - nBackfill >= settings_.minCheckpointPageCount;
    const auto passiveAt = many ? std::min<SteadyClock::time_point>(lastProgress_ + kPatience,
                                                                    pendingSince_ + settings_.checkpointInterval)
                                : pendingSince_ + settings_.checkpointInterval;
    const bool tooLarge = settings_.barrier && walBytes > settings_.walLimitSoft;
    const auto due = std::max(notBefore_, tooLarge ? now : passiveAt);
    callAt_ = due;
    if (now < due) return Step::None;
    return tooLarge ? Step::Barrier : Step::Passive;
}

void CheckpointPlan::done(Step step, Result result, SteadyClock::time_point now) {
    pendingSince_ = lastProgress_ = now;
    if (result == Result::Blocked) {
        backoff_ = std::clamp(backoff_ * 2, kFirstBackoff, kLongestBackoff);
        notBefore_ = now + backoff_;
    } else {
        backoff_ = {};
        notBefore_ = step == Step::Barrier && result == Result::Missed ? now + kMissedPause : now;
    }
    callAt_ = std::max<SteadyClock::time_point>(notBefore_, now + kPatience);
}

}  // namespace litestream::sqlite
