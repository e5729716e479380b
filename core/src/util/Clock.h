#pragma once

#include <litestream/Types.h>

#include <chrono>

namespace litestream {

/// Wall-clock time, injected so that tests can step it. Intervals use std::chrono::steady_clock, never this one.
class WallClock {
public:
    virtual ~WallClock() = default;
    virtual Timestamp now() const = 0;
};

/// The machine's own clock.
class SystemWallClock final : public WallClock {
public:
    Timestamp now() const override {
        return {std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
                    .count()};
    }
};

}  // namespace litestream
