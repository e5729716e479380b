#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// Puts of bodies in several runs collect them in one place. Its mutex keeps it from crashing and from nothing else.
class PutsShareABuffer final : public MemoryTransport {
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options,
                      const CallContext& context) override {
        begin("put", key, context);
        const ConstBytes first = body.next();
        if (first.size() == body.size().value_or(0)) {
            context.check("put");
            store(key, {text(first), options.timestamp}, options.onlyIfAbsent);
            return first.size();
        }
        collect(first, true);
        for (ConstBytes run = body.next(); !run.empty(); run = body.next()) {
            context.check("put");
            collect(run, false);
        }
        const std::string content = collected();
        store(key, {content, options.timestamp}, options.onlyIfAbsent);
        return content.size();
    }

    static std::string text(ConstBytes run) { return {reinterpret_cast<const char*>(run.data()), run.size()}; }
    void collect(ConstBytes run, bool anew) {
        const std::lock_guard lock(bufferMutex_);
        if (anew) buffer_.clear();
        buffer_ += text(run);
    }
    std::string collected() {
        const std::lock_guard lock(bufferMutex_);
        return buffer_;
    }

    std::mutex bufferMutex_;  // guards buffer_
    std::string buffer_;
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("puts-share-a-buffer", litestream::faults::PutsShareABuffer)
