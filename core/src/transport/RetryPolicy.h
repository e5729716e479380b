#pragma once

#include <litestream/Error.h>

#include <chrono>
#include <optional>

namespace litestream::transport {

/// The one place that decides what follows a failed call: first inside the call (RetryingTransport), where short faults heal
/// unnoticed; then, when the attempts are used up, between calls, where the caller waits without holding a thread.
struct RetryPolicy {
    using Milliseconds = std::chrono::milliseconds;

    // inside one call
    unsigned attempts = 6;              ///< the first one included
    Milliseconds first{100};            ///< longest wait before the second attempt, doubled for each further one
    Milliseconds firstThrottled{500};   ///< the same where the store asked for less
    Milliseconds longest{2'000};        ///< longest wait between two attempts
    Milliseconds total{15'000};         ///< no attempt begins later than this after the first failure

    // between calls
    Milliseconds again{1'000};          ///< longest wait before the second call, doubled for each further one
    Milliseconds againLongest{10'000};  ///< longest wait for what heals by itself, or when room comes back
    Milliseconds againRoom{200};        ///< in place of `again` after DiskFull: room comes back soon, and data waits
    Milliseconds patient{30'000};       ///< longest wait for what needs a person (Denied, InvalidArgument, ...) or what a store may ask for

    /// True for failures that another attempt may heal without anybody's help.
    static bool heals(ErrorCode code) noexcept;

    /// The wait before the next attempt of a call that has failed `failures` times (1, 2, ...), the first time `since` ago.
    /// Full jitter: `random` in [0, 1). What the store asked for (Error::retryAfter) is waited at least. Nothing = give up.
    std::optional<Milliseconds> withinCall(const Error& error, unsigned failures, Milliseconds since, double random) const noexcept;

    /// The wait after the `failures`-th call in a row that failed.
    Milliseconds betweenCalls(const Error& error, unsigned failures, double random) const noexcept;

    /// `wait` in a hurry: `most` at most, but never less than the store asked for.
    Milliseconds hurried(const Error& error, Milliseconds wait, Milliseconds most) const noexcept;
};

}  // namespace litestream::transport
