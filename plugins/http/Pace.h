#pragma once

#include <litestream/Call.h>

#include <chrono>
#include <stdexcept>
#include <string>

namespace litestream::http {

/// A connection that failed. Never leaves Http, which makes an Error of it.
class ConnectionFailure : public std::runtime_error {
public:
    enum class Kind {
        Lost,        ///< refused, reset, closed: another connection may do better
        Silent,      ///< nothing came or went for too long
        Untrusted,   ///< the server's certificate is not accepted
        Cancelled,   ///< by the call's context
    };
    ConnectionFailure(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
    Kind kind() const noexcept { return kind_; }

private:
    Kind kind_;
};

/// A failed system call on a connection: "read: connection reset by peer".
ConnectionFailure lostBy(const char* step, int errnoValue);

/// How long one request may wait for its connection: until its context ends it, and never longer than `patience` without a byte
/// that moves. Bytes that the other side acknowledges count: on a slow line the last megabytes of a body are on their way
/// long after they were written. For one thread.
class Pace {
public:
    using Clock = CallContext::Clock;

    Pace(const CallContext& context, Clock::duration patience) : context_(&context), patience_(patience) { moved(); }

    void moved() noexcept { lastMove_ = Clock::now(); }

    /// Waits until `descriptor` is ready for `events` (poll's) or broken. Throws ConnectionFailure: Silent, Cancelled.
    void wait(int descriptor, short events, const char* step);
    /// Throws ConnectionFailure(Cancelled) when the context says so.
    void check() const;
    const CallContext& context() const noexcept { return *context_; }
    Clock::duration patience() const noexcept { return patience_; }

private:
    bool unacknowledgedShrank(int descriptor) noexcept;

    const CallContext* context_;
    Clock::duration patience_;
    Clock::time_point lastMove_;
    int unacknowledged_ = 0;  ///< bytes in the kernel's hands when last looked at
};

}  // namespace litestream::http
