#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// Lets the exception of a library pass.
class ForeignException final : public MemoryTransport {
    ObjectInfo head(const std::string& key, const CallContext& context) override {
        begin("head", key, context);
        const std::lock_guard lock(mutex());
        const Object& object = objects().at(key);
        return {key, object.content.size(), object.timestamp};
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("foreign-exception", litestream::faults::ForeignException)
