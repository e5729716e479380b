#pragma once

#include <litestream/Export.h>

#include <chrono>
#include <functional>
#include <memory>

namespace litestream {

/// Tells a blocking call that its result is no longer wanted.
///
/// A token is a cheap handle; copies share one state. All members may be called from any thread. A default token can never be
/// cancelled.
class LITESTREAM_SDK CancellationToken {
public:
    CancellationToken() = default;

    bool cancelled() const noexcept;

    /// Calls `action` once, on the cancelling thread, when the token is cancelled; at once when it already is.
    /// The registration ends with the returned handle; its destruction waits for a running action. Use it to close
    /// a socket or to notify a condition variable.
    std::shared_ptr<void> onCancel(std::function<void()> action) const;

private:
    friend class CancellationSource;
    struct State;
    std::shared_ptr<State> state_;
};

/// The side that cancels. Tokens stay valid after the source is gone.
class LITESTREAM_SDK CancellationSource {
public:
    CancellationSource();
    CancellationToken token() const;
    void cancel();

private:
    std::shared_ptr<CancellationToken::State> state_;
};

/// The limits of one blocking call. Every blocking method of the SDK takes one and keeps to it: when the deadline passes or
/// the token is cancelled, it throws Error(Cancelled) within a second.
struct LITESTREAM_SDK CallContext {
    using Clock = std::chrono::steady_clock;

    Clock::time_point deadline = Clock::time_point::max();
    CancellationToken cancellation;

    static CallContext within(Clock::duration limit, CancellationToken token = {});

    /// Throws Error(Cancelled), naming `operation`, if the call should end.
    void check(const char* operation) const;

    /// Time left, never negative; at most an hour, so that it fits every poll interface.
    Clock::duration remaining() const noexcept;
};

}  // namespace litestream
