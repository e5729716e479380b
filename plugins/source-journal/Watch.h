#pragma once

#include "../sqlite/Waker.h"

#include <litestream/Source.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>

namespace litestream::journal {

/// What a source and the watcher tell each other about one database. Shared by both, because the watcher may be on its way to
/// a wake call when the source ends.
///
/// Threads: all members may be called from any thread.
class Watch {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    explicit Watch(std::function<void(Wake)> wake) : waker_(std::move(wake)) {}

    /// What the source wants to hear of.
    struct Interest {
        bool following = false;
        std::uint32_t changeCounter = 0;  ///< of the captured state: another one is worth a call
        TimePoint notBefore{};            ///< of a call about a commit: reading a large database takes its time
        TimePoint callAt{};               ///< call then in any case; none if zero
    };

    // The source's side.
    void capturing() noexcept { waker_.capturing(); }
    void publish(const Interest& interest);
    void close() { waker_.close(); }

    // The watcher's side.
    Interest interest() const;
    bool firstReport(Wake reason) noexcept { return waker_.firstReport(reason); }
    void wake(Wake reason) { waker_.wake(reason); }

private:
    sqlite::Waker waker_;
    mutable std::mutex mutex_;  // guards interest_
    Interest interest_;
};

}  // namespace litestream::journal
