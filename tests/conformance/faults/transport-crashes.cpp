#include "MemoryTransport.h"

#include <cstdlib>

namespace litestream::faults {
namespace {

/// Does not live through a key with a blank.
class Crashes final : public MemoryTransport {
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options,
                      const CallContext& context) override {
        if (key.find(' ') != std::string::npos) std::abort();
        return MemoryTransport::put(key, body, options, context);
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("crashes", litestream::faults::Crashes)
