#pragma once

#include <litestream/Call.h>
#include <litestream/Transport.h>

#include <cstdint>
#include <memory>

namespace litestream::s3 {

/// Memory for one part; used again for the next one.
class PartBuffer {
public:
    /// At least `capacity` bytes, with no particular content.
    void reserve(std::size_t capacity) {
        if (capacity <= capacity_) return;
        bytes_ = std::make_unique_for_overwrite<std::byte[]>(capacity);
        capacity_ = capacity;
    }
    std::byte* data() noexcept { return bytes_.get(); }

private:
    std::unique_ptr<std::byte[]> bytes_;
    std::size_t capacity_ = 0;
};

/// Cuts a body into parts.
class PartReader {
public:
    PartReader(Body& body, const char* operation, const CallContext& context)
        : body_(body), operation_(operation), context_(context) {}

    /// The next bytes, `length` of them or all that are left. They lie in `buffer`; or in the body itself, when it hands out all it
    /// has in one run that is short enough.
    ConstBytes next(PartBuffer& buffer, std::size_t length);

    /// No more bytes will come.
    bool ended();
    std::uint64_t taken() const noexcept { return taken_; }

private:
    ConstBytes run();

    Body& body_;
    const char* const operation_;
    const CallContext& context_;
    ConstBytes rest_;  ///< of the body's current run
    bool ended_ = false;
    std::uint64_t taken_ = 0;
};

}  // namespace litestream::s3
