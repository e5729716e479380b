#pragma once

#include <litestream/Call.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <utility>

namespace litestream::migrate {

/// Bytes of memory that all workers share. Whoever asks for more than there is gets all of it, alone.
class MemoryBudget {
public:
    explicit MemoryBudget(std::uint64_t bytes) : total_(bytes), free_(bytes) {}

    /// Bytes that somebody holds; given back at the end of its life.
    class Lease {
    public:
        Lease(MemoryBudget& budget, std::uint64_t bytes) : budget_(&budget), bytes_(bytes) {}
        Lease(Lease&& other) noexcept : budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
        Lease& operator=(Lease&&) = delete;
        ~Lease() { budget_->release(bytes_); }

    private:
        MemoryBudget* budget_;
        std::uint64_t bytes_;
    };

    /// Waits until so much is free. Throws Error(Cancelled).
    Lease acquire(std::uint64_t bytes, const CancellationToken& token);

private:
    void release(std::uint64_t bytes) noexcept;

    const std::uint64_t total_;
    std::mutex mutex_;  // guards free_
    std::condition_variable changed_;
    std::uint64_t free_;
};

}  // namespace litestream::migrate
