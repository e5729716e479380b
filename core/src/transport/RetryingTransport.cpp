#include "transport/RetryingTransport.h"

#include <optional>

namespace litestream::transport {

RetryingTransport::RetryingTransport(std::unique_ptr<Transport> inner, const RetryPolicy& policy,
                                     std::shared_ptr<Metrics> metrics, Timing& timing)
    : Decorator(std::move(inner)), policy_(policy), metrics_(std::move(metrics)), timing_(timing) {}

void RetryingTransport::around(Request& request, const Call& call) {
    std::optional<Timing::Clock::time_point> firstFailure;
    for (unsigned attempt = 1;; ++attempt) {
        std::chrono::milliseconds pause{0};
        try {
            call();
            away_.store(false, std::memory_order_relaxed);
            return;
        } catch (const Error& error) {
            const auto now = timing_.now();
            // A large upload that breaks late has its attempts like any other, so time counts from here.
            if (!firstFailure) firstFailure = now;
            const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now - *firstFailure);
            const auto next = policy_.withinCall(error, attempt, since, timing_.random());
            if (!next && RetryPolicy::heals(error.code())) away_.store(true, std::memory_order_relaxed);
            if (!next || away_.load(std::memory_order_relaxed)) throw;
            // An attempt behind the deadline can only fail; the failure at hand says more than "deadline passed".
            if (request.context.cancellation.cancelled() || request.context.deadline - now <= *next) throw;
            pause = *next;
        }
        timing_.wait(pause, request.context.cancellation);
        request.context.check("retry");
        metrics_->of(request.operation).retries.fetch_add(1, std::memory_order_relaxed);
    }
}

}  // namespace litestream::transport
