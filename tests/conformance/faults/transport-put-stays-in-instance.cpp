#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// Answers before anything is stored: it would be, when the instance closes.
class PutStaysInInstance final : public MemoryTransport {
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options,
                      const CallContext& context) override {
        const std::uint64_t size = MemoryTransport::put(key, body, options, context);
        const std::lock_guard lock(mutex());
        own_.insert_or_assign(key, objects().at(key));
        return size;
    }

public:
    /// The next instance finds nothing of it.
    ~PutStaysInInstance() override {
        const std::lock_guard lock(mutex());
        for (const auto& [key, object] : own_) objects().erase(key);
    }

private:
    std::map<std::string, Object> own_;
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("put-stays-in-instance", litestream::faults::PutStaysInInstance)
