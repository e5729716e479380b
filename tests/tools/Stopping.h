#pragma once

#include <csignal>
#include <cstdint>
#include <ctime>

namespace litestream::tools {

/// Not 0 once SIGTERM or SIGINT came, after stopOnSignals().
inline volatile std::sig_atomic_t stopping = 0;

/// System calls that wait are interrupted by these signals.
inline void stopOnSignals() {
    struct sigaction action {};
    action.sa_handler = [](int) { stopping = 1; };
    ::sigaction(SIGTERM, &action, nullptr);
    ::sigaction(SIGINT, &action, nullptr);
}

/// Of the monotonic clock, which all processes of a machine share.
inline std::uint64_t nowNs() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1000000000ULL + static_cast<std::uint64_t>(t.tv_nsec);
}

}  // namespace litestream::tools
