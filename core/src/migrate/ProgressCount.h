#pragma once

#include "migrate/Report.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <mutex>

namespace litestream::migrate {

/// Counts what has been copied and tells a callback, at most five times a second. Thread-safe.
class ProgressCount {
public:
    explicit ProgressCount(std::function<void(const Progress&)> callback) : callback_(std::move(callback)) {}

    void begin(std::uint64_t objects, std::uint64_t bytes) {
        const std::lock_guard lock(mutex_);
        progress_ = {0, objects, 0, bytes};
    }
    void addBytes(std::uint64_t bytes) {
        const std::lock_guard lock(mutex_);
        // What is read twice counts once more; it is no more than there is.
        progress_.bytes = std::min(progress_.bytes + bytes, progress_.totalBytes);
        tell();
    }
    void addObject() {
        const std::lock_guard lock(mutex_);
        ++progress_.objects;
        tell();
    }

private:
    void tell() {
        if (!callback_) return;
        const auto now = std::chrono::steady_clock::now();
        if (now - told_ < std::chrono::milliseconds(200) && progress_.objects < progress_.totalObjects) return;
        told_ = now;
        callback_(progress_);
    }

    const std::function<void(const Progress&)> callback_;
    std::mutex mutex_;  // guards the rest and keeps calls apart
    Progress progress_;
    std::chrono::steady_clock::time_point told_{};
};

}  // namespace litestream::migrate
