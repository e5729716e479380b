#include "restore/Workers.h"

#include <litestream/Error.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

namespace litestream::restore {
namespace {

bool isCancelled(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const Error& error) {
        return error.code() == ErrorCode::Cancelled;
    } catch (...) {
        return false;
    }
}

/// Keeps the failure that stopped the work, not those that followed from stopping.
class FirstFailure {
public:
    void note(std::exception_ptr failure) {
        const bool cancelled = isCancelled(failure);
        const std::lock_guard lock(mutex_);
        if (failure_ && (cancelled || !onlyCancelled_)) return;
        failure_ = std::move(failure);
        onlyCancelled_ = cancelled;
    }

    void rethrow() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    std::mutex mutex_;  // guards both; rethrow() runs when all threads have ended
    std::exception_ptr failure_;
    bool onlyCancelled_ = false;
};

}  // namespace

void runParallel(unsigned threads, std::size_t count, CancellationSource& stop,
                 const std::function<void(unsigned worker, std::size_t index)>& task) {
    const CallContext context{CallContext::Clock::time_point::max(), stop.token()};
    std::atomic<std::size_t> next{0};
    FirstFailure failure;
    const auto work = [&](unsigned worker) {
        try {
            for (std::size_t index = next++; index < count; index = next++) {
                context.check("restore");
                task(worker, index);
            }
        } catch (...) {
            failure.note(std::current_exception());
            stop.cancel();
        }
    };

    const auto wanted = static_cast<unsigned>(std::min<std::size_t>(std::max(threads, 1u), count));
    {
        std::vector<std::jthread> others;
        others.reserve(wanted);
        for (unsigned worker = 1; worker < wanted; ++worker) others.emplace_back(work, worker);
        if (wanted > 0) work(0);
    }
    failure.rethrow();
}

Turns::Turns(const CancellationToken& token)
    : registration_(token.onCancel([this] {
          const std::lock_guard lock(mutex_);
          cancelled_ = true;
          changed_.notify_all();
      })) {}

void Turns::inTurn(std::size_t index, const std::function<void()>& action) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return cancelled_ || next_ == index; });
    if (cancelled_) throw Error(ErrorCode::Cancelled, "restore: cancelled");
    // Only the one whose turn it is comes here, so the lock is not needed for order; it is for what `action` leaves to the next one.
    action();
    ++next_;
    changed_.notify_all();
}

}  // namespace litestream::restore
