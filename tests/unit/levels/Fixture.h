#pragma once

#include "Files.h"

#include "levels/Compactor.h"
#include "plugin/Registry.h"
#include "support/MemoryStore.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace litestream::levels::test {

inline constexpr std::uint32_t kPageSize = 4096;
using Pages = std::map<PageNumber, std::uint8_t>;

/// Files of pages that are filled with one byte, in a store in memory.
class StoreTest : public ::testing::Test {
protected:
    static const plugin::Registry& registry() {
        static const auto plugins = plugin::Registry::load({LITESTREAM_BIN "/plugins"});
        return *plugins;
    }

    std::string key(const replica::FileId& file) { return replicas_->layout().key(file); }

    /// Puts a file and returns what a listing would tell of it.
    replica::FileInfo put(const replica::FileId& file, std::uint32_t commit, const Pages& pages) {
        ltx::Header header;
        header.pageSize = kPageSize;
        header.commit = commit;
        header.minTxid = file.range.min;
        header.maxTxid = file.range.max;
        header.timestamp = {static_cast<std::int64_t>(file.range.max.value * 1000)};
        header.nodeId = 77;
        ltx::MemorySink sink;
        ltx::Encoder encoder(sink, header, *codec_);
        for (const auto& [number, byte] : pages) {
            encoder.addPage(number, std::vector<std::byte>(kPageSize, std::byte{byte}));
        }
        const auto size = encoder.finish().size;
        store_.insert(key(file), {reinterpret_cast<const char*>(sink.bytes().data()), sink.bytes().size()}, header.timestamp);
        return {file, size, header.timestamp};
    }

    static std::uint64_t digestOf(const Pages& pages) {
        std::uint64_t digest = 0;
        for (const auto& [number, byte] : pages) digest ^= ltx::pageChecksum(number, std::vector<std::byte>(kPageSize, std::byte{byte}));
        return digest | ltx::kChecksumFlag;
    }
    std::uint64_t checksumOf(const replica::FileInfo& file) { return replicas_->readTrailer(file, {}).fileChecksum; }

    Pages pagesOf(const replica::FileInfo& file) {
        const CallContext context;
        ltx::Decoder decoder(replicas_->open(file, context), codecs_, ltx::Decoder::Strictness::Verify);
        std::vector<std::byte> page(kPageSize);
        Pages pages;
        for (auto number = decoder.next(page); number != 0; number = decoder.next(page)) pages[number] = std::to_integer<std::uint8_t>(page[0]);
        header_ = decoder.header();
        return pages;
    }

    litestream::test::MemoryStore store_;
    std::shared_ptr<replica::ReplicaStore> replicas_ =
        std::make_shared<replica::ReplicaStore>(std::make_unique<litestream::test::BorrowedStore>(store_));
    std::shared_ptr<const Codec> codec_ = registry().openCodec("lz4", {});
    ltx::CodecSet codecs_ = registry().codecs();
    ltx::Header header_;  ///< of the file that pagesOf() read last
};

}  // namespace litestream::levels::test
