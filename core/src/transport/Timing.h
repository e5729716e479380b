#pragma once

#include <litestream/Call.h>

#include <chrono>

namespace litestream::transport {

/// Time, waiting and chance, injected so that tests need none of them. Thread-safe.
class Timing {
public:
    using Clock = std::chrono::steady_clock;

    virtual ~Timing() = default;

    virtual Clock::time_point now() const = 0;
    /// Blocks for `time`, or until the token is cancelled.
    virtual void wait(Clock::duration time, const CancellationToken& token) = 0;
    /// Evenly distributed in [0, 1).
    virtual double random() = 0;
};

/// The machine's own. Lives as long as the process.
Timing& systemTiming();

}  // namespace litestream::transport
