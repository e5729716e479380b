#include <litestream/Call.h>
#include <litestream/Error.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace litestream {

struct CancellationToken::State {
    using Action = std::function<void()>;

    std::atomic<bool> cancelled{false};

    std::mutex mutex;  ///< guards everything below, and the step from not cancelled to cancelled
    std::condition_variable actionEnded;
    std::map<std::uint64_t, Action> actions;
    std::uint64_t lastId = 0;
    std::uint64_t running = 0;  ///< id of the action that cancel() is in; 0 = none
    std::thread::id runner;

    void cancel();
    void forget(std::uint64_t id);
    static void run(const Action& action) noexcept;
};

/// An action has nobody to report to, and the ones behind it must run all the same.
void CancellationToken::State::run(const Action& action) noexcept {
    try {
        action();
    } catch (...) {  // NOLINT(bugprone-empty-catch)
    }
}

void CancellationToken::State::cancel() {
    std::unique_lock lock(mutex);
    if (cancelled.exchange(true)) return;
    runner = std::this_thread::get_id();
    while (!actions.empty()) {
        auto node = actions.extract(actions.begin());
        running = node.key();
        lock.unlock();
        run(node.mapped());
        node = {};
        lock.lock();
        running = 0;
        actionEnded.notify_all();
    }
}

void CancellationToken::State::forget(std::uint64_t id) {
    std::unique_lock lock(mutex);
    auto node = actions.extract(id);
    // An action that drops its own registration must not wait for itself.
    if (running == id && runner == std::this_thread::get_id()) return;
    actionEnded.wait(lock, [&] { return running != id; });
    lock.unlock();  // what the action holds is destroyed outside the lock
}

bool CancellationToken::cancelled() const noexcept {
    return state_ != nullptr && state_->cancelled.load(std::memory_order_acquire);
}

std::shared_ptr<void> CancellationToken::onCancel(std::function<void()> action) const {
    if (state_ == nullptr) return nullptr;
    std::uint64_t id = 0;
    {
        std::lock_guard lock(state_->mutex);
        if (!state_->cancelled) {
            id = ++state_->lastId;
            state_->actions.emplace(id, std::move(action));
        }
    }
    if (id == 0) {
        State::run(action);
        return nullptr;
    }
    // The handle owns nothing but the duty to forget; the deleter keeps the state alive.
    return {static_cast<void*>(state_.get()), [state = state_, id](void*) { state->forget(id); }};
}

CancellationSource::CancellationSource() : state_(std::make_shared<CancellationToken::State>()) {}

CancellationToken CancellationSource::token() const {
    CancellationToken token;
    token.state_ = state_;
    return token;
}

void CancellationSource::cancel() { state_->cancel(); }

CallContext CallContext::within(Clock::duration limit, CancellationToken token) {
    CallContext context;
    const auto now = Clock::now();
    if (limit < Clock::time_point::max() - now) context.deadline = now + limit;
    context.cancellation = std::move(token);
    return context;
}

void CallContext::check(const char* operation) const {
    if (cancellation.cancelled()) throw Error(ErrorCode::Cancelled, std::string(operation) + ": cancelled");
    if (deadline != Clock::time_point::max() && Clock::now() >= deadline) {
        throw Error(ErrorCode::Cancelled, std::string(operation) + ": deadline passed");
    }
}

CallContext::Clock::duration CallContext::remaining() const noexcept {
    constexpr Clock::duration kLongest = std::chrono::hours(1);
    if (deadline == Clock::time_point::max()) return kLongest;
    const auto now = Clock::now();
    if (deadline <= now) return Clock::duration::zero();
    return std::min(deadline - now, kLongest);
}

}  // namespace litestream
