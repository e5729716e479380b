#include "MemoryTransport.h"

#include <chrono>
#include <thread>

namespace litestream::faults {
namespace {

/// All gets go through one piece of memory, a part at a time, and the next part of another one may arrive before it is fetched from there.
class GetsShareABuffer final : public MemoryTransport {
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into,
                    const CallContext& context) override {
        begin("get", key, context);
        const Object object = find("get", key);
        std::size_t done = 0;
        while (done < into.size()) {
            const std::size_t got = copy(object.content, offset + done, std::as_writable_bytes(std::span(shared_)));
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            const std::size_t taken = std::min(got, into.size() - done);
            std::memcpy(into.data() + done, shared_.data(), taken);
            done += taken;
            if (taken < shared_.size()) break;
        }
        return done;
    }

    std::string shared_ = std::string(64 * 1024, '\0');
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("gets-share-a-buffer", litestream::faults::GetsShareABuffer)
