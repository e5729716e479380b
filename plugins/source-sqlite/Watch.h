#pragma once

#include "../sqlite/Waker.h"
#include "Guard.h"

#include <litestream/Source.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

namespace litestream::sqlite {

using SteadyClock = std::chrono::steady_clock;

/// What a source and the watcher tell each other about one database. Shared by both, because the watcher may be on its way to
/// a wake call when the source ends.
///
/// Threads: all members may be called from any thread.
class Watch {
public:
    explicit Watch(std::function<void(Wake)> wake) : waker_(std::move(wake)) {}

    // The source's side.

    /// A capture begins: everything committed from now on is worth a wake call again.
    void capturing() noexcept;

    /// Where the source stands. `released` = the guard may let the log recycle; `callAt` = wants to be called then.
    void publish(const WalPosition& position, Guard::Hold hold, bool released, SteadyClock::time_point callAt) noexcept;

    /// No wake call runs or begins after this returns.
    void close() { waker_.close(); }

    // The watcher's side.

    struct State {
        WalSalts salts;
        std::uint32_t frame = 0;
        Guard::Hold hold = Guard::Hold::None;
        bool released = false;
        SteadyClock::time_point callAt{};
    };
    /// As published in one call.
    State state() const noexcept;

    /// Grows whenever a look may lead to another result than before.
    std::uint64_t version() const noexcept { return version_; }

    /// True for the first of several reports between two captures.
    bool firstReport(Wake reason) noexcept { return waker_.firstReport(reason); }
    void wake(Wake reason);

private:
    Waker waker_;

    void changed() noexcept { version_ += 2; }

    std::atomic<std::uint64_t> version_{0};  // odd while publish() writes the fields below
    std::atomic<std::uint64_t> salts_{0};
    std::atomic<std::uint32_t> frame_{0};
    std::atomic<Guard::Hold> hold_{Guard::Hold::None};
    std::atomic<bool> released_{false};
    std::atomic<SteadyClock::rep> callAt_{0};
};

}  // namespace litestream::sqlite
