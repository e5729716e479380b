#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// Writes where readers look, a run at a time.
class PutInPlace final : public MemoryTransport {
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options,
                      const CallContext& context) override {
        begin("put", key, context);
        if (options.onlyIfAbsent) return MemoryTransport::put(key, body, options, context);
        std::string content;
        do {
            const ConstBytes run = body.next();
            context.check("put");
            content.append(reinterpret_cast<const char*>(run.data()), run.size());
            store(key, {content, options.timestamp});
            if (run.empty()) return content.size();
        } while (true);
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("put-in-place", litestream::faults::PutInPlace)
