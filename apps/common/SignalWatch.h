#pragma once

#include "util/FileIo.h"

#include <csignal>
#include <optional>

namespace litestream::app {

/// A flag that another thread can wait for together with a signal.
class Event {
public:
    Event();
    void set();
    const FileDescriptor& descriptor() const noexcept { return fd_; }

private:
    FileDescriptor fd_;
};

/// Takes SIGINT, SIGTERM and SIGCHLD out of asynchronous delivery and hands them over one by one. Blocks them in the
/// calling thread and in all threads that it starts afterwards, so it is made before the engine. Ends with the old mask
/// in the calling thread.
class SignalWatch {
public:
    SignalWatch();
    ~SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;

    /// Waits for the next signal and returns its number.
    int wait();
    /// The same, but nothing as soon as `end` is set.
    std::optional<int> waitUntil(const Event& end);

    /// "terminated", "interrupt": the words of upstream's log.
    static const char* describe(int signal) noexcept;

private:
    std::optional<int> read(int endDescriptor);

    sigset_t oldMask_{};
    FileDescriptor fd_;
};

}  // namespace litestream::app
