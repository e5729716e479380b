#include "transport/RateLimit.h"

#include <litestream/Error.h>

#include <algorithm>

namespace litestream::transport {

RateLimit::RateLimit(const Rates& rates, Timing& timing)
    : timing_(timing),
      requests_{rates.requestsPerSecond, capacity(rates.requestsPerSecond), timing.now()},
      bytes_{rates.bytesPerSecond, capacity(rates.bytesPerSecond), timing.now()} {}

/// A second's worth; at rates below one a single request must still fit.
double RateLimit::capacity(double perSecond) noexcept { return std::max(perSecond, 1.0); }

void RateLimit::fill(Bucket& bucket) {
    const auto now = timing_.now();
    const std::chrono::duration<double> elapsed = now - bucket.filled;
    bucket.tokens = std::min(capacity(bucket.perSecond), bucket.tokens + bucket.perSecond * elapsed.count());
    bucket.filled = now;
}

void RateLimit::noteBytes(std::uint64_t count) {
    const std::lock_guard lock(mutex_);
    fill(bytes_);
    bytes_.tokens -= static_cast<double>(count);
}

void RateLimit::take(Bucket& bucket, double count, const CallContext& context) {
    if (bucket.perSecond <= 0) return;
    Timing::Clock::duration debt{0};
    {
        const std::lock_guard lock(mutex_);
        fill(bucket);
        if (bucket.tokens < 0) {
            debt = std::chrono::ceil<Timing::Clock::duration>(std::chrono::duration<double>(-bucket.tokens / bucket.perSecond));
        }
        if (context.deadline - timing_.now() <= debt) {
            throw Error(ErrorCode::Cancelled, "wait for the rate limit: the deadline passes before. Raise the limit");
        }
        // Taken before the wait, so that those who come meanwhile wait behind us.
        bucket.tokens -= count;
    }
    if (debt.count() == 0) return;
    timing_.wait(debt, context.cancellation);
    context.check("wait for the rate limit");
}

}  // namespace litestream::transport
