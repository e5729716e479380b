#pragma once

#include "restore/Restore.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>

namespace litestream::restore {

/// Counts fetched bytes and tells a callback, at most ten times a second. Thread-safe.
class ProgressMeter {
public:
    ProgressMeter(std::function<void(const Progress&)> callback, std::uint64_t total) : callback_(std::move(callback)), total_(total) {}

    std::uint64_t done() const noexcept { return done_; }
    void setTotal(std::uint64_t bytes) noexcept { total_ = bytes; }

    void add(std::uint64_t bytes) {
        done_ += bytes;
        if (!callback_) return;
        const std::unique_lock lock(mutex_, std::try_to_lock);
        if (!lock) return;  // somebody else is telling it just now
        const auto now = std::chrono::steady_clock::now();
        if (now - last_ < std::chrono::milliseconds(100)) return;
        last_ = now;
        callback_({done_, total_});
    }

    /// Tells the final numbers, whatever the time is.
    void finish() {
        if (!callback_) return;
        const std::lock_guard lock(mutex_);
        callback_({done_, total_});
    }

private:
    std::function<void(const Progress&)> callback_;
    std::atomic<std::uint64_t> done_{0};
    std::atomic<std::uint64_t> total_;
    std::mutex mutex_;  // guards last_ and keeps calls apart
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

}  // namespace litestream::restore
