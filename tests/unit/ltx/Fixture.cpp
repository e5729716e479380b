#include "Fixture.h"

#include <litestream/Plugin.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include <Poco/JSON/Parser.h>
#include <dlfcn.h>

namespace litestream::ltx::testing {

namespace {

class SilentHost final : public Host {
public:
    void log(LogLevel, std::string_view) override {}
};

const PluginDescriptor& lz4Descriptor() {
    static void* const object = dlopen(LITESTREAM_BIN "/plugins/codec-lz4.so", RTLD_NOW | RTLD_LOCAL);
    if (object == nullptr) throw std::runtime_error(dlerror());
    return *static_cast<const PluginDescriptor*>(dlsym(object, kDescriptorSymbol));
}

}  // namespace

std::shared_ptr<const Codec> openLz4(const OptionValues& options) {
    static SilentHost host;
    static auto* const plugin = static_cast<CodecPlugin*>(lz4Descriptor().create(host));
    return plugin->open(options);
}

const Codec& lz4() {
    static const std::shared_ptr<const Codec> codec = openLz4();
    return *codec;
}

const CodecSet& lz4Set() {
    static const CodecSet set = [] {
        CodecSet made;
        made.add(openLz4());
        return made;
    }();
    return set;
}

std::filesystem::path dataDirectory() {
    return std::filesystem::path(LITESTREAM_TEST_DATA) / "ltx";
}

Buffer readFile(const std::filesystem::path& path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) throw std::runtime_error("cannot open " + path.string());
    Buffer bytes(std::filesystem::file_size(path));
    stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

Poco::JSON::Object::Ptr readJson(const std::filesystem::path& path) {
    std::ifstream stream(path);
    return Poco::JSON::Parser().parse(stream).extract<Poco::JSON::Object::Ptr>();
}

std::vector<std::filesystem::path> ltxFilesBelow(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        if (entry.path().extension() == ".ltx") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

ByteSource sourceOf(ConstBytes bytes, std::size_t piece) {
    return [bytes, piece](MutableBytes into) mutable {
        const std::size_t size = std::min({bytes.size(), into.size(), piece});
        std::copy_n(bytes.begin(), size, into.begin());
        bytes = bytes.subspan(size);
        return size;
    };
}

DecodedFile decode(ConstBytes file, Strictness strictness, std::size_t piece) {
    Decoder decoder(sourceOf(file, piece), lz4Set(), strictness);
    DecodedFile decoded;
    decoded.header = decoder.header();
    Buffer content(decoder.header().pageSize);
    while (const PageNumber page = decoder.next(content)) decoded.pages[page] = content;
    decoded.trailer = decoder.trailer();
    return decoded;
}

std::optional<ErrorCode> refusal(ConstBytes file, Strictness strictness) {
    try {
        decode(file, strictness);
    } catch (const Error& error) {
        return error.code();
    }
    return std::nullopt;
}

Header header(std::uint32_t pageSize, std::uint32_t commit, std::uint64_t minTxid, std::uint64_t maxTxid) {
    Header made;
    made.pageSize = pageSize;
    made.commit = commit;
    made.minTxid = Txid{minTxid};
    made.maxTxid = Txid{maxTxid};
    made.timestamp = Timestamp{1'767'225'600'000};
    return made;
}

Buffer encodeFile(const Header& header, const Pages& pages) {
    MemorySink sink;
    Encoder encoder(sink, header, lz4());
    for (const auto& [number, content] : pages) encoder.addPage(number, content);
    encoder.finish();
    return std::move(sink.bytes());
}

Buffer textPage(std::uint32_t pageSize, std::uint32_t seed) {
    static constexpr std::string_view kWords[] = {"commit ", "page ",     "frame ",  "salt ",
                                                  "level ",  "snapshot ", "ledger ", "0042 "};
    std::mt19937 random(seed);
    Buffer page;
    while (page.size() < pageSize) {
        for (const char c : kWords[random() % std::size(kWords)]) page.push_back(static_cast<std::byte>(c));
    }
    page.resize(pageSize);
    return page;
}

Buffer noisePage(std::uint32_t pageSize, std::uint32_t seed) {
    std::mt19937 random(seed);
    Buffer page(pageSize);
    for (std::byte& byte : page) byte = static_cast<std::byte>(random());
    return page;
}

}  // namespace litestream::ltx::testing
