#pragma once

#include <litestream/Types.h>

#include <ctime>

namespace litestream::file {

/// A file's time in whole milliseconds, as it was set; times before 1970 round down.
inline Timestamp timestampOf(const timespec& time) noexcept {
    return {static_cast<std::int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1000000};
}

inline timespec timespecOf(Timestamp timestamp) noexcept {
    std::int64_t seconds = timestamp.milliseconds / 1000;
    std::int64_t rest = timestamp.milliseconds % 1000;
    if (rest < 0) {
        --seconds;
        rest += 1000;
    }
    return {static_cast<std::time_t>(seconds), static_cast<long>(rest * 1000000)};
}

}  // namespace litestream::file
