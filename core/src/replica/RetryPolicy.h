#pragma once

#include <litestream/Error.h>

#include <chrono>
#include <functional>
#include <litestream/Call.h>

namespace litestream::replica {

/// The one place that decides what follows a failed call.
struct RetryPolicy {
    using Clock = std::chrono::steady_clock;

    std::chrono::milliseconds first{200};      ///< wait before the second attempt, doubled for each further one
    std::chrono::milliseconds cap{15'000};     ///< longest wait between attempts that may heal by themselves, or when room comes back
    std::chrono::milliseconds patient{60'000}; ///< wait between attempts that need a person (Denied, InvalidArgument, ...)

    /// True for failures that another attempt may heal without anybody's help.
    static bool heals(ErrorCode code) noexcept;

    /// How long to wait before attempt `attempt` (2, 3, ...) after a failure with `code`: full jitter, `random` in [0, 1).
    std::chrono::milliseconds delay(ErrorCode code, unsigned attempt, double random) const noexcept;
};

/// Runs `operation` up to `attempts` times while its failures heal, waiting by `policy` and never beyond the context's
/// deadline. For reads; uploads wait on their own queue instead of a thread.
void retry(const RetryPolicy& policy, unsigned attempts, const CallContext& context, const std::function<void()>& operation);

}  // namespace litestream::replica
