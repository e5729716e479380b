#include "litestream-migrate/ProgressDisplay.h"

#include "util/Log.h"
#include "util/Units.h"

#include <unistd.h>
#include <algorithm>
#include <cstdint>
#include <iostream>

namespace litestream::migrate_app {
namespace {

constexpr std::chrono::seconds kLineEvery{10};

}  // namespace

ProgressDisplay::ProgressDisplay() : terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressDisplay::~ProgressDisplay() {
    if (drawn_) std::cerr << "\r\033[K" << std::flush;
}

void ProgressDisplay::show(const migrate::Progress& progress) {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (progress.bytes < last_) begun_ = now;  // another pass
    last_ = progress.bytes;
    if (progress.totalBytes == 0 || (!terminal_ && now - shown_ < kLineEvery)) return;
    shown_ = now;
    const double seconds = std::max(std::chrono::duration<double>(now - begun_).count(), 0.001);
    const double rate = static_cast<double>(progress.bytes) / seconds;
    const double left = static_cast<double>(progress.totalBytes - progress.bytes);
    const auto eta = std::chrono::seconds(rate > 0 ? static_cast<std::int64_t>(left / rate) : 0);
    const std::uint64_t percent = progress.bytes * 100 / progress.totalBytes;
    const std::string speed = formatSize(static_cast<std::uint64_t>(rate)) + "/s";
    if (!terminal_) {
        log::info("copying", {{"percent", percent}, {"objects", progress.objects}, {"of", progress.totalObjects},
                              {"bytes", progress.bytes}, {"speed", speed}, {"eta", formatDuration(eta)}});
        return;
    }
    drawn_ = true;
    std::cerr << "\r\033[Kcopying: " << percent << "% (" << progress.objects << " of " << progress.totalObjects << " objects, "
              << formatSize(progress.bytes) << " of " << formatSize(progress.totalBytes) << "), " << speed << ", "
              << formatDuration(eta) << " left" << std::flush;
}

}  // namespace litestream::migrate_app
