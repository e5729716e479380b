#include "PlainCodec.h"

namespace litestream::faults {
namespace {

/// The last byte of a page does not come back.
class LosesLastByte final : public PlainCodec {
    std::size_t unpack(std::uint16_t flags, ConstBytes packed, MutableBytes page) const override {
        const std::size_t used = PlainCodec::unpack(flags, packed, page);
        page.back() = std::byte{0};
        return used;
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_CODEC("loses-last-byte", litestream::faults::LosesLastByte)
