#pragma once

#include "Watch.h"

#include <chrono>
#include <cstdint>

namespace litestream::sqlite {

/// How a source is configured.
struct SourceSettings {
    std::uint32_t minCheckpointPageCount = 1000;
    std::chrono::nanoseconds checkpointInterval = std::chrono::minutes(1);
    std::uint64_t walLimitSoft = 16u << 20;  ///< bytes
    std::uint64_t walLimitHard = 1u << 30;   ///< bytes
    bool barrier = true;
    bool journalModeWal = true;
};

/// Decides when to help an application that does not checkpoint fast enough. Time is an argument; it does nothing itself.
class CheckpointPlan {
public:
    enum class Step {
        None,
        Passive,  ///< copy what can be copied
        Barrier,  ///< additionally hold writers off for a moment, so that the log can be recycled at all
    };
    /// What became of a step.
    enum class Result {
        Progress,
        Missed,   ///< bad luck: somebody else was faster
        Blocked,  ///< a reader keeps the frames: trying again soon is useless
    };

    explicit CheckpointPlan(const SourceSettings& settings) : settings_(settings) {}

    Step next(const WalIndexHeader& header, std::uint32_t nBackfill, std::uint64_t walBytes,
              SteadyClock::time_point now);
    void done(Step step, Result result, SteadyClock::time_point now);

    /// When next() is worth asking although nothing was committed; the epoch = never.
    SteadyClock::time_point callAt() const noexcept { return callAt_; }

private:
    void settle() noexcept;

    SourceSettings settings_;
    WalSalts salts_;
    std::uint32_t nBackfill_ = 0;
    SteadyClock::time_point pendingSince_{};  // epoch = nothing is pending
    SteadyClock::time_point lastProgress_{};
    SteadyClock::time_point notBefore_{};
    SteadyClock::duration backoff_{};
    SteadyClock::time_point callAt_{};
};

}  // namespace litestream::sqlite
