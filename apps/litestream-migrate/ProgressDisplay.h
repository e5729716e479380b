#pragma once

#include "migrate/Report.h"

#include <chrono>
#include <mutex>
#include <string>

namespace litestream::migrate_app {

/// Shows on stderr how far a migration has come and when it will be done: a line that is rewritten on a terminal, a log line every ten seconds elsewhere.
/// Thread-safe.
class ProgressDisplay {
public:
    ProgressDisplay();
    ~ProgressDisplay();
    ProgressDisplay(const ProgressDisplay&) = delete;
    ProgressDisplay& operator=(const ProgressDisplay&) = delete;

    void show(const migrate::Progress& progress);

private:
    using Clock = std::chrono::steady_clock;

    const bool terminal_;
    std::mutex mutex_;  // guards the rest
    Clock::time_point begun_ = Clock::now();
    Clock::time_point shown_ = Clock::now();
    std::uint64_t last_ = 0;
    bool drawn_ = false;
};

}  // namespace litestream::migrate_app
