#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// Starts at the key that it should start behind.
class ListRepeats final : public MemoryTransport {
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context) override {
        auto found = MemoryTransport::list(prefix, startAfter, limit, context);
        if (startAfter.starts_with(prefix) && exists(std::string(startAfter))) {
            if (found.size() == limit) found.pop_back();
            found.insert(found.begin(), head(std::string(startAfter), context));
        }
        return found;
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("list-repeats", litestream::faults::ListRepeats)
