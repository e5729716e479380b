#pragma once

#include "transport/Metrics.h"
#include "transport/RetryPolicy.h"
#include "transport/Timing.h"

#include <atomic>

namespace litestream::transport {

/// Tries failed calls again inside the call, by RetryPolicy::withinCall: while the failure is one that heals, attempts and time are
/// left, and the context allows. What is thrown in the end is the last failure; Error(Cancelled) when the caller ended the wait.
///
/// Once a call has used up its attempts, the store counts as away until a request goes well again: each call then is a single
/// attempt, so that waiting for one store does not hold the threads that serve the others.
///
/// A put is sent again from the first byte. One with `onlyIfAbsent` whose answer was lost after the store had taken it ends in Error(Conflict):
/// whether the object there is ours only the caller can tell (replica::Uploader compares).
class RetryingTransport final : public Decorator {
public:
    /// Counts retries in `metrics`. `timing` outlives the transport.
    RetryingTransport(std::unique_ptr<Transport> inner, const RetryPolicy& policy, std::shared_ptr<Metrics> metrics,
                      Timing& timing);

protected:
    void around(Request& request, const Call& call) override;

private:
    const RetryPolicy policy_;
    const std::shared_ptr<Metrics> metrics_;  // as in MeteredTransport
    Timing& timing_;
    std::atomic<bool> away_{false};
};

}  // namespace litestream::transport
