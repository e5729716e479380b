#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

namespace litestream::conformance {

/// Runs `action(0)` to `action(count - 1)` on threads of their own that begin at the same moment, and waits for them. What one of them throws
/// fails the test, as it would on the test's own thread.
void together(unsigned count, const std::function<void(unsigned)>& action);

/// Where threads wait for one another in the middle of a call: it makes an interleaving happen that luck alone would rarely bring. A plugin may
/// as well serve its callers one after the other; then the first one goes on alone after a moment.
class Rendezvous {
public:
    explicit Rendezvous(unsigned count) : count_(count) {}
    void arrive();

private:
    const unsigned count_;
    std::mutex mutex_;  // guards the rest
    std::condition_variable all_;
    unsigned arrived_ = 0;
    bool open_ = false;
};

}  // namespace litestream::conformance
