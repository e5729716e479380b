/// Everything that reads bytes of a replica, fed with anything. Built twice: with libFuzzer (Clang), and with a driver that goes
/// through the corpus and mutations of it (any compiler, part of the test run).

#include "ltx/Decoder.h"

#include <litestream/Error.h>
#include <litestream/Plugin.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

// The codec is compiled in, so that its code is instrumented like the rest.
extern "C" const litestream::PluginDescriptor litestream_plugin;

namespace {

using namespace litestream;

class SilentHost final : public Host {
public:
    void log(LogLevel, std::string_view) override {}
};

const ltx::CodecSet& codecs() {
    static const ltx::CodecSet set = [] {
        static SilentHost host;
        auto* const plugin = static_cast<CodecPlugin*>(litestream_plugin.create(host));
        ltx::CodecSet made;
        made.add(plugin->open({}));
        litestream_plugin.destroy(plugin);
        return made;
    }();
    return set;
}

/// Runs `action`; bytes may be refused, but only as the contract says.
template <class Action>
bool accepts(Action&& action) {
    try {
        action();
        return true;
    } catch (const Error& error) {
        if (error.code() != ErrorCode::Corrupt && error.code() != ErrorCode::Unsupported) std::abort();
        return false;
    }
}

ltx::ByteSource sourceOf(ConstBytes bytes, std::size_t piece) {
    return [bytes, piece](MutableBytes into) mutable {
        const std::size_t size = std::min({bytes.size(), into.size(), piece});
        std::copy_n(bytes.begin(), size, into.begin());
        bytes = bytes.subspan(size);
        return size;
    };
}

bool decodes(ConstBytes file, ltx::Decoder::Strictness strictness, std::size_t piece) {
    return accepts([&] {
        ltx::Decoder decoder(sourceOf(file, piece), codecs(), strictness);
        std::vector<std::byte> content(decoder.header().pageSize);
        while (decoder.next(content) != 0) {
        }
    });
}

void readPagesByIndex(ConstBytes file) {
    std::uint64_t needed = 0;
    const auto index = ltx::decodeIndex(file, file.size(), needed);
    if (!index) std::abort();  // the whole file is always enough
    std::vector<std::byte> content(ltx::decodeHeader(file).pageSize);
    for (const ltx::IndexEntry& entry : *index) {
        ltx::decodeFrame(file.subspan(entry.offset, entry.size), entry.page, codecs(), content);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ConstBytes bytes = std::as_bytes(std::span(data, size));
    const bool sound = decodes(bytes, ltx::Decoder::Strictness::Verify, SIZE_MAX);
    if (decodes(bytes, ltx::Decoder::Strictness::Verify, 61) != sound) std::abort();
    const bool restorable = decodes(bytes, ltx::Decoder::Strictness::Restore, SIZE_MAX);
    const bool readableByIndex = size >= 24 && accepts([&] { readPagesByIndex(bytes); });
    if (sound && !(restorable && readableByIndex)) std::abort();

    accepts([&] {
        const ltx::Header header = ltx::decodeHeader(bytes);
        ltx::decodeHeader(ltx::encode(header));
    });
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto range = ltx::parseFileName(text); range && ltx::fileName(*range) != text) std::abort();
    if (const auto txid = ltx::parseTxid(text); txid && ltx::format(*txid) != text) std::abort();
    return 0;
}
