#pragma once

#include <litestream/Call.h>

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

namespace litestream::migrate {

/// Knows which of a number of steps have ended, and lets one wait for those before it. Thread-safe.
class Sequence {
public:
    Sequence(std::size_t steps, CancellationToken token);

    /// Waits until the steps 0..count-1 have ended. Throws Error(Cancelled).
    void waitFor(std::size_t count);
    void ended(std::size_t step);

private:
    const CancellationToken token_;
    std::mutex mutex_;  // guards both
    std::condition_variable changed_;
    std::vector<bool> done_;
    std::size_t endedUpTo_ = 0;  ///< all steps below
    std::shared_ptr<void> registration_;  // last: its end waits for a callback that uses the others
};

}  // namespace litestream::migrate
