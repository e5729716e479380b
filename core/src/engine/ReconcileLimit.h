#pragma once

#include <chrono>
#include <optional>

namespace litestream::engine {

/// How often a whole database may be shipped because its continuity was lost. A cause that comes back at once must not fill the spool, the
/// replicas and the line with copies of a large database; the pages that differ may be shipped as often as necessary.
/// Time is given by the caller; not thread-safe.
class ReconcileLimit {
public:
    using Clock = std::chrono::steady_clock;

    explicit ReconcileLimit(std::chrono::nanoseconds interval) : interval_(interval) {}

    /// The earliest moment for a whole one that is wanted at `now`.
    Clock::time_point next(Clock::time_point now) const { return last_ && *last_ + interval_ > now ? *last_ + interval_ : now; }

    /// A whole one was made.
    void spend(Clock::time_point now) { last_ = now; }

private:
    std::chrono::nanoseconds interval_;
    std::optional<Clock::time_point> last_;
};

}  // namespace litestream::engine
