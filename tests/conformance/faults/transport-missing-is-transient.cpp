#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// Whoever asks for what does not exist is told to try again.
class MissingIsTransient final : public MemoryTransport {
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into,
                    const CallContext& context) override {
        begin("get", key, context);
        if (!exists(key)) throw Error(ErrorCode::Transient, "get " + key + ": answer 404");
        return MemoryTransport::get(key, offset, into, context);
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("missing-is-transient", litestream::faults::MissingIsTransient)
