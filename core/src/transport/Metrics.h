#pragma once

#include "transport/Decorator.h"

#include <litestream/Error.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace litestream::transport {

inline constexpr std::size_t kErrorCodes = static_cast<std::size_t>(ErrorCode::Cancelled) + 1;

/// Upper bounds of the classes of durations; a last class has the rest.
inline constexpr std::array<std::chrono::milliseconds, 9> kDurationBounds{
    std::chrono::milliseconds(10),    std::chrono::milliseconds(50),    std::chrono::milliseconds(100),
    std::chrono::milliseconds(500),   std::chrono::milliseconds(1'000), std::chrono::milliseconds(5'000),
    std::chrono::milliseconds(10'000), std::chrono::milliseconds(30'000), std::chrono::milliseconds(60'000)};

/// What the requests of one operation came to. Counters only grow. Writers add with relaxed order, so a reader may see a request in
/// one counter and not yet in another.
struct OperationMetrics {
    using Counter = std::atomic<std::uint64_t>;

    Counter requests{0};     ///< that came to an end, well or not; each attempt is one
    Counter bytes{0};        ///< of content, stored or read by those that went well
    Counter nanoseconds{0};  ///< spent in all of them
    Counter retries{0};      ///< attempts after the first one of a call
    std::array<Counter, kErrorCodes> errors{};                    ///< by ErrorCode
    std::array<Counter, kDurationBounds.size() + 1> durations{};  ///< how many took at most kDurationBounds[i]; not cumulative

    std::uint64_t failed() const noexcept {
        std::uint64_t sum = 0;
        for (const Counter& count : errors) sum += count.load(std::memory_order_relaxed);
        return sum;
    }
};

/// Of one replica.
struct Metrics {
    std::array<OperationMetrics, kOperations> operations;

    OperationMetrics& of(Operation operation) noexcept { return operations[static_cast<std::size_t>(operation)]; }
    const OperationMetrics& of(Operation operation) const noexcept { return operations[static_cast<std::size_t>(operation)]; }
};

}  // namespace litestream::transport
