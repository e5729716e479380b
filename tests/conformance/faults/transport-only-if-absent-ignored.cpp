#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// Replaces whatever is there.
class OnlyIfAbsentIgnored final : public MemoryTransport {
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options,
                      const CallContext& context) override {
        PutOptions always = options;
        always.onlyIfAbsent = false;
        return MemoryTransport::put(key, body, always, context);
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("only-if-absent-ignored", litestream::faults::OnlyIfAbsentIgnored)
