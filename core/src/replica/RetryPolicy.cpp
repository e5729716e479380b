#include "replica/RetryPolicy.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>

namespace litestream::replica {
namespace {

double randomFraction() {
    thread_local std::mt19937_64 engine{std::random_device{}()};
    return std::uniform_real_distribution<double>{0.0, 1.0}(engine);
}

/// Sleeps for `time` or until the token is cancelled.
void wait(std::chrono::milliseconds time, const CancellationToken& token) {
    std::mutex mutex;
    std::condition_variable wake;
    bool cancelled = false;  // guarded by mutex
    const auto registration = token.onCancel([&] {
        const std::lock_guard lock(mutex);
        cancelled = true;
        wake.notify_all();
    });
    std::unique_lock lock(mutex);
    wake.wait_for(lock, time, [&] { return cancelled; });
}

}  // namespace

bool RetryPolicy::heals(ErrorCode code) noexcept {
    return code == ErrorCode::Throttled || code == ErrorCode::Transient;
}

std::chrono::milliseconds RetryPolicy::delay(ErrorCode code, unsigned attempt, double random) const noexcept {
    using Real = std::chrono::duration<double, std::milli>;
    // Nobody mends a password in the first moments: half of the patience is always spent.
    // Room on a disk comes back sooner, and data waits.
    if (!heals(code) && code != ErrorCode::DiskFull) return std::chrono::duration_cast<std::chrono::milliseconds>(Real(patient) * (0.5 + random / 2));

    // Far fewer doublings than the representation has bits; the cap is reached long before.
    const unsigned doublings = std::min(attempt > 2 ? attempt - 2 : 0u, 32u);
    const Real longest = std::min(Real(first) * static_cast<double>(1ull << doublings), Real(cap));
    return std::chrono::duration_cast<std::chrono::milliseconds>(longest * random);
}

void retry(const RetryPolicy& policy, unsigned attempts, const CallContext& context, const std::function<void()>& operation) {
    for (unsigned attempt = 1;; ++attempt) {
        std::chrono::milliseconds pause{0};
        try {
            return operation();
        } catch (const Error& error) {
            if (attempt >= attempts || !RetryPolicy::heals(error.code()) || context.cancellation.cancelled()) throw;
            pause = policy.delay(error.code(), attempt + 1, randomFraction());
            // An attempt behind the deadline can only fail; the failure at hand says more than "deadline passed".
            if (context.deadline - RetryPolicy::Clock::now() <= pause) throw;
        }
        wait(pause, context.cancellation);
        context.check("retry");
    }
}

}  // namespace litestream::replica
