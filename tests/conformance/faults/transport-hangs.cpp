#include "MemoryTransport.h"

#include <unistd.h>

namespace litestream::faults {
namespace {

/// Waits for the first byte of an object that has none.
class Hangs final : public MemoryTransport {
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into,
                    const CallContext& context) override {
        begin("get", key, context);
        while (find("get", key).content.empty()) ::pause();
        return MemoryTransport::get(key, offset, into, context);
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("hangs", litestream::faults::Hangs)
