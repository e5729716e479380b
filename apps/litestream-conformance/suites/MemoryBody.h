#pragma once

#include <litestream/Transport.h>

#include <functional>
#include <string>
#include <vector>

namespace litestream::conformance {

/// A body in memory that is handed out in runs of a chosen length.
class MemoryBody final : public Body {
public:
    explicit MemoryBody(std::string content, std::size_t runLength = SIZE_MAX, bool sizeKnown = true);

    /// Called before each run with the number of bytes already handed out; may throw.
    void beforeRun(std::function<void(std::size_t)> action) { beforeRun_ = std::move(action); }

    std::optional<std::uint64_t> size() const override;
    ConstBytes next() override;
    void rewind() override { taken_ = 0; }

private:
    std::string content_;
    std::size_t runLength_;
    bool sizeKnown_;
    std::size_t taken_ = 0;
    std::function<void(std::size_t)> beforeRun_;
};

/// `length` bytes that look like nothing and are the same for the same seed.
std::string noise(std::size_t length, unsigned seed);

}  // namespace litestream::conformance
