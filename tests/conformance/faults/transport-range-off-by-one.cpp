#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// Takes the number of the last byte for the number of bytes.
class RangeOffByOne final : public MemoryTransport {
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into,
                    const CallContext& context) override {
        const std::size_t got = MemoryTransport::get(key, offset, into, context);
        return offset > 0 && got > 0 && got < into.size() ? got - 1 : got;
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("range-off-by-one", litestream::faults::RangeOffByOne)
