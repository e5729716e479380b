#include "transport/MeteredTransport.h"

#include <algorithm>

namespace litestream::transport {
namespace {

void add(OperationMetrics::Counter& counter, std::uint64_t count) { counter.fetch_add(count, std::memory_order_relaxed); }

}  // namespace

MeteredTransport::MeteredTransport(std::unique_ptr<Transport> inner, std::shared_ptr<Metrics> metrics, Timing& timing)
    : Decorator(std::move(inner)), metrics_(std::move(metrics)), timing_(timing) {}

void MeteredTransport::around(Request& request, const Call& call) {
    const auto begin = timing_.now();
    const auto failed = [&](ErrorCode code) {
        add(metrics_->of(request.operation).errors[static_cast<std::size_t>(code)], 1);
        ended(request, begin);
    };
    try {
        call();
    } catch (const Error& error) {
        failed(error.code());
        throw;
    } catch (...) {
        failed(ErrorCode::Transient);  // what callers make of it, too
        throw;
    }
    add(metrics_->of(request.operation).bytes, request.bytes);
    ended(request, begin);
}

void MeteredTransport::ended(const Request& request, Timing::Clock::time_point begin) {
    OperationMetrics& metrics = metrics_->of(request.operation);
    const auto time = std::chrono::duration_cast<std::chrono::nanoseconds>(timing_.now() - begin);
    const auto bound = std::lower_bound(kDurationBounds.begin(), kDurationBounds.end(), time);
    add(metrics.durations[static_cast<std::size_t>(bound - kDurationBounds.begin())], 1);
    add(metrics.nanoseconds, static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0)));
    add(metrics.requests, 1);
}

}  // namespace litestream::transport
