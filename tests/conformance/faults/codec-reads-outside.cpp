#include "PlainCodec.h"

namespace litestream::faults {
namespace {

/// Believes an offset that stands in the packed bytes.
class ReadsOutside final : public PlainCodec {
    static constexpr std::size_t kOffsetBytes = sizeof(std::uint32_t);

    std::size_t maxPacked(std::size_t pageSize) const noexcept override { return pageSize + kOffsetBytes; }

    std::size_t pack(ConstBytes page, MutableBytes out) const override {
        const std::uint32_t offset = 0;
        std::memcpy(out.data(), &offset, kOffsetBytes);
        return kOffsetBytes + PlainCodec::pack(page, out.subspan(kOffsetBytes));
    }

    std::size_t unpack(std::uint16_t, ConstBytes packed, MutableBytes page) const override {
        if (packed.size() != kOffsetBytes + page.size()) throw Error(ErrorCode::Corrupt, "page has a wrong length");
        std::uint32_t offset = 0;
        std::memcpy(&offset, packed.data(), kOffsetBytes);
        std::memcpy(page.data(), packed.data() + kOffsetBytes + offset, page.size());
        return packed.size();
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_CODEC("reads-outside", litestream::faults::ReadsOutside)
