#pragma once

#include <litestream/Types.h>

#include <cstddef>
#include <memory>

namespace litestream::restore {

/// Memory that is used again and again, only ever grown, and not cleared: what take() gives ends with the next take().
class Buffer {
public:
    MutableBytes take(std::size_t bytes) {
        if (bytes > capacity_) {
            memory_.reset();
            memory_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
            capacity_ = bytes;
        }
        return {memory_.get(), bytes};
    }

private:
    std::unique_ptr<std::byte[]> memory_;
    std::size_t capacity_ = 0;
};

}  // namespace litestream::restore
