#pragma once

#include <litestream/Types.h>

#include <string_view>

namespace litestream::conformance {

/// A copy of some bytes that cannot be written and ends where the process has no more memory: a step behind it ends the process.
class EdgeBytes {
public:
    explicit EdgeBytes(std::string_view bytes);
    ~EdgeBytes();
    EdgeBytes(const EdgeBytes&) = delete;
    EdgeBytes& operator=(const EdgeBytes&) = delete;

    ConstBytes span() const noexcept { return {begin_, size_}; }

private:
    void* mapping_ = nullptr;
    std::size_t mapped_ = 0;
    const std::byte* begin_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace litestream::conformance
