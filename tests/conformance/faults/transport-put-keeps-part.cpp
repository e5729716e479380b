#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// What arrived of a body before it failed becomes the object.
class PutKeepsPart final : public MemoryTransport {
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options,
                      const CallContext& context) override {
        begin("put", key, context);
        std::string content;
        try {
            for (ConstBytes run = body.next(); !run.empty(); run = body.next()) {
                context.check("put");
                content.append(reinterpret_cast<const char*>(run.data()), run.size());
            }
        } catch (const Error& error) {
            if (error.code() != ErrorCode::Cancelled) store(key, {content, options.timestamp});
            throw;
        }
        const std::uint64_t size = content.size();
        store(key, {std::move(content), options.timestamp}, options.onlyIfAbsent);
        return size;
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("put-keeps-part", litestream::faults::PutKeepsPart)
