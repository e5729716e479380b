#include "PlainCodec.h"

#include <array>

namespace litestream::faults {
namespace {

/// All threads pack in the same memory.
class SharesABuffer final : public PlainCodec {
    std::size_t pack(ConstBytes page, MutableBytes out) const override {
        std::memcpy(buffer_.data(), page.data(), page.size());
        std::memcpy(out.data(), buffer_.data(), page.size());
        return page.size();
    }

    mutable std::array<std::byte, 65536> buffer_{};
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_CODEC("shares-a-buffer", litestream::faults::SharesABuffer)
