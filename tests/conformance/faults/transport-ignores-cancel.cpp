#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// Nobody can stop it.
class IgnoresCancel final : public MemoryTransport {
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext&) override {
        return MemoryTransport::put(key, body, options, {});
    }
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext&) override {
        return MemoryTransport::get(key, offset, into, {});
    }
    ObjectInfo head(const std::string& key, const CallContext&) override { return MemoryTransport::head(key, {}); }
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext&) override {
        return MemoryTransport::list(prefix, startAfter, limit, {});
    }
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext&) override {
        return MemoryTransport::remove(keys, {});
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("ignores-cancel", litestream::faults::IgnoresCancel)
