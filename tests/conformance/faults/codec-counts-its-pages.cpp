#include "PlainCodec.h"

#include <atomic>

namespace litestream::faults {
namespace {

/// The bytes depend on how many pages were packed before.
class CountsItsPages final : public PlainCodec {
    std::size_t maxPacked(std::size_t pageSize) const noexcept override { return pageSize + 1; }

    std::size_t pack(ConstBytes page, MutableBytes out) const override {
        const std::size_t packed = PlainCodec::pack(page, out);
        out[packed] = static_cast<std::byte>(++count_);
        return packed + 1;
    }

    std::size_t unpack(std::uint16_t flags, ConstBytes packed, MutableBytes page) const override {
        if (packed.empty()) throw Error(ErrorCode::Corrupt, "page is empty");
        return PlainCodec::unpack(flags, packed.first(packed.size() - 1), page) + 1;
    }

    mutable std::atomic<unsigned> count_{0};
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_CODEC("counts-its-pages", litestream::faults::CountsItsPages)
