/// A transport with many options that stores nothing: what the tests of the configuration need of an object store.

#include <litestream/Plugin.h>

#include <string>

namespace {

using namespace litestream;

class ShelfTransport final : public Transport {
public:
    explicit ShelfTransport(const OptionValues& options) {
        for (const char* name : {"bucket", "path"}) location_.emplace_back(name, options.textOr(name, ""));
    }
    const TransportCapabilities& capabilities() const noexcept override { return kCapabilities; }
    std::vector<std::pair<std::string, std::string>> describe() const override { return location_; }
    std::uint64_t put(const std::string&, Body&, const PutOptions&, const CallContext&) override { refuse(); }
    std::size_t get(const std::string&, std::uint64_t, MutableBytes, const CallContext&) override { refuse(); }
    ObjectInfo head(const std::string&, const CallContext&) override { refuse(); }
    std::vector<ObjectInfo> list(std::string_view, std::string_view, std::size_t, const CallContext&) override {
        refuse();
    }
    std::vector<RemoveFailure> remove(std::span<const std::string>, const CallContext&) override { refuse(); }

private:
    static constexpr TransportCapabilities kCapabilities{};
    [[noreturn]] static void refuse() { throw Error(ErrorCode::Unsupported, "this shelf holds nothing"); }

    std::vector<std::pair<std::string, std::string>> location_;
};

class ShelfPlugin final : public TransportPlugin {
public:
    /// shelf://BUCKET/PATH?region=REGION
    OptionValues parseUrl(std::string_view url) const override {
        std::string rest(url.substr(url.find("://") + 3));
        OptionValues options;
        if (const std::size_t query = rest.find("?region="); query != std::string::npos) {
            options.set("region", rest.substr(query + 8));
            rest.resize(query);
        }
        const std::size_t slash = std::min(rest.find('/'), rest.size());
        options.set("bucket", rest.substr(0, slash));
        options.set("path", rest.substr(std::min(slash + 1, rest.size())));
        return options;
    }
    std::unique_ptr<Transport> open(const OptionValues& options) override {
        return std::make_unique<ShelfTransport>(options);
    }
};

constexpr OptionSpec kOptions[] = {
    {"bucket", OptionType::String, "", "bucket", true},
    {"path", OptionType::String, "", "path", false},
    {"region", OptionType::String, "nowhere", "region", false},
    {"access-key-id", OptionType::Secret, "", "key", false},
    {"secret-access-key", OptionType::Secret, "", "key", false},
    {"skip-verify", OptionType::Boolean, "false", "no check", false},
    {"concurrency", OptionType::Integer, "5", "number", false},
    {"part-size", OptionType::Size, "5MiB", "bytes", false},
};

}  // namespace

LITESTREAM_DECLARE_TRANSPORT("shelf", "1.0.0", "stores nothing", kOptions, std::size(kOptions), "shelf rack",
                             ShelfPlugin)
