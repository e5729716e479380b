#include "transport/RetryPolicy.h"

#include <algorithm>

namespace litestream::transport {
namespace {

using Milliseconds = RetryPolicy::Milliseconds;

Milliseconds scaled(Milliseconds time, double factor) {
    return std::chrono::duration_cast<Milliseconds>(std::chrono::duration<double, std::milli>(time) * factor);
}

Milliseconds doubled(Milliseconds first, unsigned failures, Milliseconds cap) {
    // Far fewer doublings than the representation has bits; a cap is reached long before.
    const unsigned doublings = std::min(failures > 0 ? failures - 1 : 0u, 32u);
    return std::min(first * (std::int64_t{1} << doublings), cap);
}

/// For waits that should not be much shorter than announced: half of it is always spent.
Milliseconds halfJitter(Milliseconds time, double random) { return scaled(time, 0.5 + random / 2); }

}  // namespace

bool RetryPolicy::heals(ErrorCode code) noexcept {
    return code == ErrorCode::Throttled || code == ErrorCode::Transient;
}

std::optional<Milliseconds> RetryPolicy::withinCall(const Error& error, unsigned failures, Milliseconds since,
                                                    double random) const noexcept {
    if (!heals(error.code()) || failures >= attempts) return std::nullopt;
    const Milliseconds base = error.code() == ErrorCode::Throttled ? firstThrottled : first;
    // Chance comes on top of what the store asked for: whoever was turned away together must not come back together. A wish
    // beyond our patience is no reason to come earlier, but to give the thread back.
    const Milliseconds asked = std::clamp(error.retryAfter().value_or(Milliseconds(0)), Milliseconds(0), total);
    const Milliseconds pause = asked + scaled(doubled(base, failures, longest), random);
    if (since + pause >= total) return std::nullopt;
    return pause;
}

Milliseconds RetryPolicy::betweenCalls(const Error& error, unsigned failures, double random) const noexcept {
    if (error.code() == ErrorCode::DiskFull) return scaled(doubled(againRoom, failures, againLongest), random);
    // Nobody mends a password in the first moments.
    if (!heals(error.code())) return halfJitter(patient, random);
    const Milliseconds asked = std::min(error.retryAfter().value_or(Milliseconds(0)), patient);
    return std::max(asked, halfJitter(doubled(again, failures, againLongest), random));
}

Milliseconds RetryPolicy::hurried(const Error& error, Milliseconds wait, Milliseconds most) const noexcept {
    const Milliseconds asked = std::min(error.retryAfter().value_or(Milliseconds(0)), patient);
    return std::max(asked, std::min(wait, most));
}

}  // namespace litestream::transport
