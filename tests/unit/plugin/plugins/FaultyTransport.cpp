// A transport that does wrong what its option names. It stores nothing.
#include <litestream/Plugin.h>

#include <stdexcept>
#include <utility>

#ifndef NAME
#define NAME "faulty"
#endif

namespace {

using namespace litestream;

class FaultyTransport final : public Transport {
public:
    FaultyTransport(std::string fault, std::string path) : fault_(std::move(fault)), path_(std::move(path)) {
        if (fault_ == "layout") capabilities_.layout = static_cast<LayoutFamily>(9);
        if (fault_ == "concurrency") capabilities_.concurrency = 0;
    }

    const TransportCapabilities& capabilities() const noexcept override { return capabilities_; }
    std::vector<std::pair<std::string, std::string>> describe() const override {
        if (fault_ == "exception") throw std::runtime_error("from describe");
        return {{"path", path_}};
    }
    std::uint64_t put(const std::string&, Body& body, const PutOptions&, const CallContext&) override {
        throwIfAsked();
        std::uint64_t stored = 0;
        while (true) {
            const std::size_t run = body.next().size();
            if (run == 0) break;
            stored += run;
            if (fault_ == "half") break;
        }
        return fault_ == "put" ? stored + 1 : stored;
    }
    std::size_t get(const std::string&, std::uint64_t, MutableBytes into, const CallContext&) override {
        throwIfAsked();
        return fault_ == "get" ? into.size() + 1 : 0;
    }
    ObjectInfo head(const std::string& key, const CallContext&) override {
        throwIfAsked();
        return {fault_ == "head" ? "another" : key, 1, {}};
    }
    std::vector<ObjectInfo> list(std::string_view, std::string_view, std::size_t, const CallContext&) override {
        throwIfAsked();
        if (fault_ == "many") return {{"a/1", 1, {}}, {"a/2", 1, {}}, {"a/3", 1, {}}};
        if (fault_ == "order") return {{"a/2", 1, {}}, {"a/1", 1, {}}};
        if (fault_ == "twice") return {{"a/1", 1, {}}, {"a/1", 1, {}}};
        if (fault_ == "prefix") return {{"b/1", 1, {}}};
        if (fault_ == "after") return {{"a/0", 1, {}}};
        return {{"a/1", 1, {}}};
    }
    std::vector<RemoveFailure> remove(std::span<const std::string>, const CallContext&) override {
        throwIfAsked();
        if (fault_ == "remove") return {{"another", "no reason"}};
        return {};
    }

private:
    void throwIfAsked() const {
        if (fault_ == "exception") throw std::out_of_range("vector::at");
        if (fault_ == "int") throw 42;
        if (fault_ == "error") throw Error(ErrorCode::Throttled, "as thrown");
    }

    const std::string fault_;
    const std::string path_;
    TransportCapabilities capabilities_;
};

class FaultyPlugin final : public TransportPlugin {
public:
    OptionValues parseUrl(std::string_view) const override { throw std::invalid_argument("stoi"); }
    std::unique_ptr<Transport> open(const OptionValues& options) override {
        const std::string fault = options.textOr("fault", "");
        if (fault == "null") return nullptr;
        return std::make_unique<FaultyTransport>(fault, options.text("path"));
    }
};

constexpr OptionSpec kOptions[] = {
    {"path", OptionType::Path, "", "where to put nothing", true},
    {"fault", OptionType::String, "", "what to do wrong", false},
};

}  // namespace

LITESTREAM_DECLARE_TRANSPORT(NAME, "1.0.0", "does what it must not", kOptions, 2, "faulty odd+1", FaultyPlugin)
