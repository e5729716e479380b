#include "common/CancelOnSignal.h"

#include "util/Log.h"

#include <csignal>

namespace litestream::app {

CancelOnSignal::CancelOnSignal(SignalWatch& signals)
    : watcher_([this, &signals] {
          while (const auto signal = signals.waitUntil(done_)) {
              if (*signal == SIGCHLD) continue;
              log::info("signal received, litestream shutting down", {{"signal", SignalWatch::describe(*signal)}});
              source_.cancel();
          }
      }) {}

CancelOnSignal::~CancelOnSignal() {
    done_.set();
    watcher_.join();
}

}  // namespace litestream::app
