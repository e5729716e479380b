// A transport that lives in the test's own process: its option is the address of the object that does the work.
#include <litestream/Plugin.h>

#include <cstdint>
#include <string>

namespace {

using namespace litestream;

class BridgeTransport final : public Transport {
public:
    explicit BridgeTransport(Transport& store) : store_(store) {}

    const TransportCapabilities& capabilities() const noexcept override { return store_.capabilities(); }
    std::vector<std::pair<std::string, std::string>> describe() const override { return store_.describe(); }
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) override {
        return store_.put(key, body, options, context);
    }
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) override {
        return store_.get(key, offset, into, context);
    }
    ObjectInfo head(const std::string& key, const CallContext& context) override { return store_.head(key, context); }
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context) override {
        return store_.list(prefix, startAfter, limit, context);
    }
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override {
        return store_.remove(keys, context);
    }

private:
    Transport& store_;
};

class BridgePlugin final : public TransportPlugin {
public:
    OptionValues parseUrl(std::string_view) const override { throw Error(ErrorCode::Unsupported, "a bridge has no URL"); }
    std::unique_ptr<Transport> open(const OptionValues& options) override {
        const auto address = static_cast<std::uintptr_t>(std::stoull(options.text("store")));
        return std::make_unique<BridgeTransport>(*reinterpret_cast<Transport*>(address));
    }
};

constexpr OptionSpec kOptions[] = {{"store", OptionType::String, "", "address of a Transport in this process", true}};

}  // namespace

LITESTREAM_DECLARE_TRANSPORT("bridge", "1.0.0", "leads into the test", kOptions, 1, "bridge", BridgePlugin)
