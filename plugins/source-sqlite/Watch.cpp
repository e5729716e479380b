#include "Watch.h"

#include <thread>

namespace litestream::sqlite {

void Watch::capturing() noexcept {
    waker_.capturing();
    changed();
}

void Watch::publish(const WalPosition& position, Guard::Hold hold, bool released,
                    SteadyClock::time_point callAt) noexcept {
    ++version_;
    salts_ = (std::uint64_t{position.salts.salt1} << 32) | position.salts.salt2;
    frame_ = position.frame;
    hold_ = hold;
    released_ = released;
    callAt_ = callAt.time_since_epoch().count();
    ++version_;
}

Watch::State Watch::state() const noexcept {
    for (;;) {
        const std::uint64_t before = version_;
        const std::uint64_t salts = salts_;
        const State state{{static_cast<std::uint32_t>(salts >> 32), static_cast<std::uint32_t>(salts)},
                          frame_,
                          hold_,
                          released_,
                          SteadyClock::time_point(SteadyClock::duration(callAt_))};
        if (before % 2 == 0 && version_ == before) return state;
        std::this_thread::yield();
    }
}

void Watch::wake(Wake reason) {
    if (!waker_.wake(reason)) changed();
}

}  // namespace litestream::sqlite
