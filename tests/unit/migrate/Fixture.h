#pragma once

#include "ltx/Encoder.h"
#include "migrate/Inventory.h"
#include "plugin/Registry.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <vector>

namespace litestream::test {

inline const plugin::Registry& registry() {
    static const auto loaded = plugin::Registry::load({std::filesystem::path(LITESTREAM_BIN) / "plugins"});
    return *loaded;
}

inline const ltx::CodecSet& codecs() {
    static const ltx::CodecSet set = registry().codecs();
    return set;
}

/// A replica that official v0.5.17 wrote: levels 0, 1, 2 and 9.
inline std::filesystem::path officialReplica() { return std::filesystem::path(LITESTREAM_TEST_DATA) / "ltx/real-cli-0.5.17/levels/replica"; }

inline std::vector<std::byte> readFile(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> content((std::istreambuf_iterator<char>(file)), {});
    const auto bytes = std::as_bytes(std::span(content));
    return {bytes.begin(), bytes.end()};
}

/// A snapshot of so many pages that do not compress.
inline std::vector<std::byte> snapshot(std::uint32_t pages) {
    ltx::Header header;
    header.pageSize = 4096;
    header.commit = pages;
    header.minTxid = {1};
    header.maxTxid = {5};
    header.timestamp = {1234};
    ltx::MemorySink sink;
    const auto codec = registry().openCodec("lz4", {});
    ltx::Encoder encoder(sink, header, *codec);
    std::minstd_rand random(1);
    std::vector<std::byte> page(header.pageSize);
    for (PageNumber number = 1; number <= pages; ++number) {
        for (std::byte& byte : page) byte = static_cast<std::byte>(random());
        encoder.addPage(number, page);
    }
    encoder.finish();
    return sink.bytes();
}

inline std::unique_ptr<Transport> openDirectory(const std::filesystem::path& path) {
    OptionValues options;
    options.set("path", path.string());
    return registry().openTransport("file", options);
}

/// A directory with something that happens before or after a call.
class HookedTransport final : public Transport {
public:
    explicit HookedTransport(const std::filesystem::path& path) : inner_(openDirectory(path)) {}

    std::function<void(const std::string& key)> beforePut = [](const std::string&) {};
    std::function<void(const std::string& key)> afterPut = [](const std::string&) {};
    std::function<void(const std::string& key)> beforeGet = [](const std::string&) {};
    std::function<void(const std::string& key, MutableBytes got)> afterGet = [](const std::string&, MutableBytes) {};

    const TransportCapabilities& capabilities() const noexcept override { return inner_->capabilities(); }
    std::vector<std::pair<std::string, std::string>> describe() const override { return inner_->describe(); }
    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) override {
        beforePut(key);
        const std::uint64_t size = inner_->put(key, body, options, context);
        afterPut(key);
        return size;
    }
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) override {
        beforeGet(key);
        const std::size_t size = inner_->get(key, offset, into, context);
        afterGet(key, into.first(size));
        return size;
    }
    ObjectInfo head(const std::string& key, const CallContext& context) override { return inner_->head(key, context); }
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit, const CallContext& context) override {
        return inner_->list(prefix, startAfter, limit, context);
    }
    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override {
        return inner_->remove(keys, context);
    }

private:
    const std::unique_ptr<Transport> inner_;
};

}  // namespace litestream::test
