#pragma once

#include <chrono>
#include <memory>
#include <mutex>

namespace litestream::sqlite {

/// The one watcher of a plugin: made for the first source, gone with the last. Thread-safe.
template <class Watcher>
class SharedWatcher {
public:
    /// `slowPoll` is that of the source for which it is made.
    std::shared_ptr<Watcher> get(std::chrono::nanoseconds slowPoll) {
        const std::lock_guard lock(mutex_);
        auto watcher = watcher_.lock();
        if (!watcher) watcher_ = watcher = std::make_shared<Watcher>(slowPoll);
        return watcher;
    }

private:
    std::mutex mutex_;  // guards watcher_
    std::weak_ptr<Watcher> watcher_;
};

}  // namespace litestream::sqlite
