#include "migrate/Patience.h"

#include "util/Log.h"

#include <algorithm>

namespace litestream::migrate {
namespace {

constexpr std::chrono::seconds kSmallCall{30};
constexpr unsigned kMostDoublings = 6;
constexpr std::chrono::seconds kTellAgain{30};

}  // namespace

Patience::Patience(std::optional<Duration> limit, std::uint64_t slowest, CancellationToken token, transport::Timing& timing)
    : limit_(limit), slowest_(std::max<std::uint64_t>(slowest, 1)), token_(std::move(token)), timing_(timing), success_(timing.now()) {}

void Patience::succeeded() {
    const std::lock_guard lock(mutex_);
    success_ = timing_.now();
    told_.reset();
}

/// A stalled store must not hold a call for ever; a slow line must be able to finish one. So each further attempt has twice the time.
CallContext Patience::context(std::uint64_t bytes, unsigned attempt) const {
    const auto limit = (kSmallCall + std::chrono::seconds(bytes / slowest_)) * (1u << std::min(attempt - 1, kMostDoublings));
    return CallContext::within(limit, token_);
}

void Patience::wait(const std::string& what, const Error& error, unsigned failures) {
    if (token_.cancelled()) throw error;
    // Nobody asked to stop, so it was the deadline: a slow or stalled store.
    const bool timeout = error.code() == ErrorCode::Cancelled;
    const bool heals = timeout || transport::RetryPolicy::heals(error.code());
    if (!heals) throw error;
    const auto now = timing_.now();
    bool tell = false;
    {
        const std::lock_guard lock(mutex_);
        if (limit_ && now - success_ > *limit_) throw error;
        tell = !told_ || now - *told_ > kTellAgain;
        if (tell) told_ = now;
    }
    const Error reason = timeout ? Error(ErrorCode::Transient, error.what()) : error;
    const auto pause = policy_.betweenCalls(reason, failures, timing_.random());
    if (tell) log::warn("no answer, trying again", {{"operation", what}, {"error", error.what()}, {"backoff", pause}});
    timing_.wait(pause, token_);
    if (token_.cancelled()) throw Error(ErrorCode::Cancelled, what + ": cancelled");
}

}  // namespace litestream::migrate
