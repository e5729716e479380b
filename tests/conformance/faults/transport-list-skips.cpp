#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// A page begins one object too late when the last one ended with the very key that it is asked to start behind.
class ListSkips final : public MemoryTransport {
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context) override {
        auto found = MemoryTransport::list(prefix, startAfter, limit, context);
        if (!found.empty() && exists(std::string(startAfter)))
            found = MemoryTransport::list(prefix, found.front().key, limit, context);
        return found;
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("list-skips", litestream::faults::ListSkips)
