#include "plugin/Guarded.h"

#include <algorithm>
#include <string>

namespace litestream::plugin {

namespace {

/// Counts what the plugin took of a body since its beginning, to compare with what it says it stored.
class CountedBody final : public Body {
public:
    explicit CountedBody(Body& body) : body_(body) {}

    std::optional<std::uint64_t> size() const override { return body_.size(); }
    ConstBytes next() override {
        const ConstBytes run = body_.next();
        taken_ += run.size();
        return run;
    }
    void rewind() override {
        body_.rewind();
        taken_ = 0;
    }
    std::uint64_t taken() const noexcept { return taken_; }

private:
    Body& body_;
    std::uint64_t taken_ = 0;
};

class GuardedTransport final : public Transport {
public:
    GuardedTransport(ModulePtr module, std::unique_ptr<Transport> transport)
        : module_(std::move(module)), transport_(std::move(transport)) {
        if (transport_ == nullptr) module_->fault("open", "gave no transport");
        capabilities_ = transport_->capabilities();
        if (capabilities_.layout != LayoutFamily::Tree && capabilities_.layout != LayoutFamily::Flat) {
            module_->fault("capabilities", "names an unknown layout");
        }
        if (capabilities_.concurrency == 0) module_->fault("capabilities", "allows no concurrent call");
    }

    const TransportCapabilities& capabilities() const noexcept override { return capabilities_; }

    std::vector<std::pair<std::string, std::string>> describe() const override {
        return module_->guard("describe", [&] { return transport_->describe(); });
    }

    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) override {
        CountedBody counted(body);
        const std::uint64_t stored = module_->guard("put", [&] { return transport_->put(key, counted, options, context); });
        const std::uint64_t whole = body.size().value_or(counted.taken());
        if (stored != whole || counted.taken() != whole) {
            module_->fault("put", "took " + std::to_string(counted.taken()) + " and stored " + std::to_string(stored) +
                                      " bytes of " + std::to_string(whole) + " for " + key);
        }
        return stored;
    }

    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) override {
        const std::size_t got = module_->guard("get", [&] { return transport_->get(key, offset, into, context); });
        if (got > into.size()) {
            module_->fault("get", "gave " + std::to_string(got) + " bytes of " + key + " where " + std::to_string(into.size()) +
                                      " were asked for");
        }
        return got;
    }

    ObjectInfo head(const std::string& key, const CallContext& context) override {
        ObjectInfo info = module_->guard("head", [&] { return transport_->head(key, context); });
        if (info.key != key) module_->fault("head", "answered for \"" + info.key + "\" when asked for \"" + key + "\"");
        return info;
    }

    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context) override {
        auto found = module_->guard("list", [&] { return transport_->list(prefix, startAfter, limit, context); });
        if (found.size() > limit) {
            module_->fault("list", "gave " + std::to_string(found.size()) + " objects where " + std::to_string(limit) +
                                       " were asked for");
        }
        std::string_view last = startAfter;
        for (const ObjectInfo& info : found) {
            if (!info.key.starts_with(prefix)) {
                module_->fault("list", "gave \"" + info.key + "\" below the prefix \"" + std::string(prefix) + "\"");
            }
            if (info.key <= last) module_->fault("list", "gave \"" + info.key + "\" behind \"" + std::string(last) + "\"");
            last = info.key;
        }
        return found;
    }

    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override {
        auto failures = module_->guard("remove", [&] { return transport_->remove(keys, context); });
        for (const RemoveFailure& failure : failures) {
            if (std::find(keys.begin(), keys.end(), failure.key) == keys.end()) {
                module_->fault("remove", "answered for \"" + failure.key + "\", which nobody asked to remove");
            }
        }
        return failures;
    }

private:
    const ModulePtr module_;  // before the transport: its code outlives it
    const std::unique_ptr<Transport> transport_;
    TransportCapabilities capabilities_;
};

}  // namespace

std::unique_ptr<Transport> guardTransport(ModulePtr module, std::unique_ptr<Transport> transport) {
    return std::make_unique<GuardedTransport>(std::move(module), std::move(transport));
}

}  // namespace litestream::plugin
