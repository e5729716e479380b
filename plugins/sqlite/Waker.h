#pragma once

#include <litestream/Source.h>

#include <atomic>
#include <functional>
#include <mutex>

namespace litestream::sqlite {

/// A source's wake function, called at most once for each reason between two captures, and never after close().
///
/// Threads: all members may be called from any thread.
class Waker {
public:
    explicit Waker(std::function<void(Wake)> wake) : wake_(std::move(wake)) {}

    /// A capture begins: what happens from now on is worth a call again.
    void capturing() noexcept;

    /// True for the first of several reports between two captures.
    bool firstReport(Wake reason) noexcept;

    /// False if the function threw: nobody heard it, so it is to be reported again.
    bool wake(Wake reason);

    /// No call runs or begins after this returns.
    void close();

private:
    std::mutex mutex_;  // guards wake_, held during the call
    std::function<void(Wake)> wake_;
    std::atomic<bool> changedReported_{false};
    std::atomic<bool> pressingReported_{false};
};

}  // namespace litestream::sqlite
