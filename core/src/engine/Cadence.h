#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace litestream::engine {

/// Decides when the next cut may be made.
///
/// With an explicit interval: the least distance between two cuts, the first one at once. Without: a token bucket, so that a commit after quiet
/// goes out at once and sustained load is batched, never later than a second. Where requests are counted the bucket refills slowly, so that a day costs no more
/// than an object a second, but is large: somebody at work does not notice it. When cuts already queue for the quickest replica another one
/// would not arrive sooner, so a slow store gets fewer, larger objects and not a longer queue.
/// Time is given by the caller; not thread-safe.
class Cadence {
public:
    using Clock = std::chrono::steady_clock;

    Cadence(std::optional<std::chrono::nanoseconds> interval, bool requestsAreCounted)
        : interval_(interval),
          refill_(requestsAreCounted ? std::chrono::milliseconds(1000) : std::chrono::milliseconds(250)),
          capacity_(requestsAreCounted ? 240 : 20) {}

    /// The earliest moment for a cut of what is there at `now`, when `unsent` cuts, the one that is being sent included, are on their way to
    /// the quickest replica.
    Clock::time_point next(Clock::time_point now, std::size_t unsent = 0) {
        if (interval_) return last_ ? std::max(now, *last_ + *interval_) : now;
        credit(now);
        const auto earliest = tokens_ > 0 ? now : refilled_ + refill_;
        if (unsent < kQueue || !last_) return earliest;
        return std::max(earliest, *last_ + std::chrono::seconds(std::min(unsent, kLongestQueue)));
    }

    /// A cut was made.
    void spend(Clock::time_point now) {
        last_ = now;
        credit(now);
        if (tokens_ > 0) --tokens_;
    }

private:
    void credit(Clock::time_point now) {
        if (tokens_ == capacity_) refilled_ = now;
        while (tokens_ < capacity_ && refilled_ + refill_ <= now) {
            ++tokens_;
            refilled_ += refill_;
        }
    }

    static constexpr std::size_t kQueue = 3;
    static constexpr std::size_t kLongestQueue = 10;
    std::optional<std::chrono::nanoseconds> interval_;
    std::chrono::milliseconds refill_;
    std::optional<Clock::time_point> last_;
    int capacity_;
    int tokens_ = capacity_;
    Clock::time_point refilled_{};
};

}  // namespace litestream::engine
