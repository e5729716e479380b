#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// Looks first and writes later.
class OnlyIfAbsentRaces final : public MemoryTransport {
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options,
                      const CallContext& context) override {
        begin("put", key, context);
        if (options.onlyIfAbsent && exists(key)) throw Error(ErrorCode::Conflict, "put " + key + ": exists already");
        PutOptions always = options;
        always.onlyIfAbsent = false;
        return MemoryTransport::put(key, body, always, context);
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("only-if-absent-races", litestream::faults::OnlyIfAbsentRaces)
