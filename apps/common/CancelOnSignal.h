#pragma once

#include "common/SignalWatch.h"

#include <litestream/Call.h>

#include <thread>

namespace litestream::app {

/// For work that a process does before or instead of serving: the first SIGINT or SIGTERM cancels it, and is logged.
class CancelOnSignal {
public:
    explicit CancelOnSignal(SignalWatch& signals);
    ~CancelOnSignal();
    CancelOnSignal(const CancelOnSignal&) = delete;
    CancelOnSignal& operator=(const CancelOnSignal&) = delete;

    CancellationToken token() const { return source_.token(); }

private:
    Event done_;
    CancellationSource source_;
    std::thread watcher_;
};

}  // namespace litestream::app
