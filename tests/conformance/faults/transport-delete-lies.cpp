#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// Says that it removed what is still there.
class DeleteLies final : public MemoryTransport {
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override {
        for (const std::string& key : keys) checkKey(key);
        context.check("remove");
        return {};
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("delete-lies", litestream::faults::DeleteLies)
