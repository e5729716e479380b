#include "common/SignalWatch.h"

#include <litestream/Error.h>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstdint>

namespace litestream::app {

Event::Event() : fd_(::eventfd(0, EFD_CLOEXEC)) {
    if (!fd_) throw systemError("create event", errno);
}

void Event::set() {
    const std::uint64_t one = 1;
    // Cannot fail: the counter is far from its maximum.
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
}

SignalWatch::SignalWatch() {
    sigset_t watched{};
    sigemptyset(&watched);
    for (const int signal : {SIGINT, SIGTERM, SIGCHLD}) sigaddset(&watched, signal);
    ::pthread_sigmask(SIG_BLOCK, &watched, &oldMask_);
    fd_.reset(::signalfd(-1, &watched, SFD_CLOEXEC));
    if (!fd_) throw systemError("watch signals", errno);
}

SignalWatch::~SignalWatch() {
    ::pthread_sigmask(SIG_SETMASK, &oldMask_, nullptr);
}

int SignalWatch::wait() {
    return *read(-1);
}

std::optional<int> SignalWatch::waitUntil(const Event& end) {
    return read(end.descriptor().get());
}

std::optional<int> SignalWatch::read(int endDescriptor) {
    std::array<pollfd, 2> wanted{{{fd_.get(), POLLIN, 0}, {endDescriptor, POLLIN, 0}}};  // poll ignores a negative one
    while (true) {
        if (::poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR)
            throw systemError("wait for signals", errno);
        if ((wanted[1].revents & POLLIN) != 0) return std::nullopt;
        if ((wanted[0].revents & POLLIN) == 0) continue;
        signalfd_siginfo info{};
        if (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info))
            return static_cast<int>(info.ssi_signo);
    }
}

const char* SignalWatch::describe(int signal) noexcept {
    switch (signal) {
        case SIGINT:
            return "interrupt";
        case SIGTERM:
            return "terminated";
        default:
            return "signal";
    }
}

}  // namespace litestream::app
