#include "WitnessTransport.h"

#include "Trail.h"

#include <string>

namespace litestream::conformance {

namespace {

class WitnessTransport final : public Transport {
public:
    explicit WitnessTransport(std::shared_ptr<Transport> transport) : transport_(std::move(transport)) {}

    const TransportCapabilities& capabilities() const noexcept override { return transport_->capabilities(); }

    std::vector<std::pair<std::string, std::string>> describe() const override {
        return witnessed("describe", [&] { return transport_->describe(); });
    }
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options,
                      const CallContext& context) override {
        return witnessed("put " + key + (options.onlyIfAbsent ? " only if absent" : ""),
                         [&] { return transport_->put(key, body, options, context); });
    }
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into,
                    const CallContext& context) override {
        return witnessed("get " + std::to_string(into.size()) + " bytes at " + std::to_string(offset) + " of " + key,
                         [&] { return transport_->get(key, offset, into, context); });
    }
    ObjectInfo head(const std::string& key, const CallContext& context) override {
        return witnessed("head " + key, [&] { return transport_->head(key, context); });
    }
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context) override {
        return witnessed("list \"" + std::string(prefix) + "\" behind \"" + std::string(startAfter) + "\"",
                         [&] { return transport_->list(prefix, startAfter, limit, context); });
    }
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override {
        return witnessed("remove " + (keys.empty() ? "nothing" : keys.front() + (keys.size() > 1 ? " and others" : "")),
                         [&] { return transport_->remove(keys, context); });
    }

private:
    const std::shared_ptr<Transport> transport_;  // shared with whoever opened it
};

}  // namespace

std::shared_ptr<Transport> witness(std::shared_ptr<Transport> transport) {
    return std::make_shared<WitnessTransport>(std::move(transport));
}

}  // namespace litestream::conformance
