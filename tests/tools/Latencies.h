#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace litestream::tools {

/// A histogram that processes share in mapped memory: 16 buckets per power of two, so a percentile is right to 6 %.
class Latencies {
public:
    void add(std::uint64_t us) noexcept {
        buckets_[bucketOf(us)].fetch_add(1, std::memory_order_relaxed);
        count_.fetch_add(1, std::memory_order_relaxed);
        std::uint64_t seen = maximum_.load(std::memory_order_relaxed);
        while (us > seen && !maximum_.compare_exchange_weak(seen, us, std::memory_order_relaxed)) {
        }
    }

    std::uint64_t count() const noexcept { return count_.load(); }
    std::uint64_t maximumUs() const noexcept { return maximum_.load(); }

    /// The upper edge of the bucket that holds the given share (0..1) of all values.
    std::uint64_t percentileUs(double share) const noexcept {
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count()));
        std::uint64_t seen = 0;
        for (std::size_t b = 0; b < buckets_.size(); ++b) {
            seen += buckets_[b].load();
            if (seen > wanted) {
                return edgeOf(b) < maximumUs() ? edgeOf(b) : maximumUs();
            }
        }
        return maximumUs();
    }

private:
    static std::size_t bucketOf(std::uint64_t us) noexcept {
        if (us < 16) {
            return us;
        }
        const auto shift = static_cast<std::size_t>(std::bit_width(us)) - 5;
        const std::size_t bucket = shift * 16 + (us >> shift);
        return bucket < kBuckets ? bucket : kBuckets - 1;
    }
    static std::uint64_t edgeOf(std::size_t bucket) noexcept {
        if (bucket < 32) {
            return bucket;
        }
        const std::size_t shift = bucket / 16 - 1;
        return ((bucket % 16 + 17) << shift) - 1;
    }

    static constexpr std::size_t kBuckets = 640;
    std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
    std::atomic<std::uint64_t> count_{0};
    std::atomic<std::uint64_t> maximum_{0};
};

}  // namespace litestream::tools
