#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// Keeps the time as whole seconds.
class TimeInSeconds final : public MemoryTransport {
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options,
                      const CallContext& context) override {
        PutOptions rounded = options;
        rounded.timestamp.milliseconds -= rounded.timestamp.milliseconds % 1000;
        return MemoryTransport::put(key, body, rounded, context);
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("time-in-seconds", litestream::faults::TimeInSeconds)
