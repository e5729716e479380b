#include "PlainCodec.h"

namespace litestream::faults {
namespace {

/// Whoever meets damaged bytes is told to try again.
class DamageIsTransient final : public PlainCodec {
    std::size_t unpack(std::uint16_t flags, ConstBytes packed, MutableBytes page) const override {
        if (packed.size() != page.size()) throw Error(ErrorCode::Transient, "page has a wrong length");
        return PlainCodec::unpack(flags, packed, page);
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_CODEC("damage-is-transient", litestream::faults::DamageIsTransient)
