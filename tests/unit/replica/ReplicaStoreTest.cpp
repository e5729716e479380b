#include "replica/ReplicaStore.h"

#include "ltx/Encoder.h"
#include "plugin/Registry.h"
#include "support/TemporaryDirectory.h"

#include <litestream/Error.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include <gtest/gtest.h>

namespace litestream::replica {
namespace {

namespace fs = std::filesystem;
const CallContext kNoLimit;

const plugin::Registry& registry() {
    static const auto loaded = plugin::Registry::load({fs::path(LITESTREAM_BIN) / "plugins"});
    return *loaded;
}

class ReplicaStoreTest : public ::testing::Test {
protected:
    ReplicaStoreTest() {
        OptionValues options;
        options.set("path", root_.string());
        store_ = std::make_unique<ReplicaStore>(registry().openTransport("file", options));
    }

    fs::path pathOf(const FileId& file) const { return root_ / store_->layout().key(file); }

    void write(const fs::path& file, ConstBytes bytes) {
        fs::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }

    /// A real file with `pages` pages of noise.
    std::vector<std::byte> encode(const ltx::TxidRange& range, std::uint32_t pages, std::uint32_t pageSize = 512) {
        const auto codec = registry().openCodec("lz4", {});
        ltx::Header header;
        header.pageSize = pageSize;
        header.commit = pages;
        header.minTxid = range.min;
        header.maxTxid = range.max;
        ltx::MemorySink sink;
        ltx::Encoder encoder(sink, header, *codec);
        std::mt19937 random(7);
        std::vector<std::byte> content(pageSize);
        for (PageNumber page = 1; page <= pages; ++page) {
            std::generate(content.begin(), content.end(), [&] { return static_cast<std::byte>(random()); });
            encoder.addPage(page, content);
        }
        encoder.finish();
        return sink.bytes();
    }

    FileInfo add(const FileId& id, std::uint32_t pages) {
        const auto bytes = encode(id.range, pages);
        write(pathOf(id), bytes);
        return {id, bytes.size(), {}};
    }

    ErrorCode codeOf(const std::function<void()>& action, std::string_view mentions = {}) {
        try {
            action();
        } catch (const Error& error) {
            EXPECT_NE(std::string_view(error.what()).find(mentions), std::string_view::npos) << error.what();
            return error.code();
        }
        ADD_FAILURE() << "nothing was thrown";
        return ErrorCode::Cancelled;
    }

    litestream::test::TemporaryDirectory temporary_;
    const fs::path root_ = temporary_.path();
    std::unique_ptr<ReplicaStore> store_;
};

TEST_F(ReplicaStoreTest, ListsByLevelAndRangeAndIgnoresForeignThings) {
    const FileId ids[] = {{Level{0}, {Txid{2}, Txid{2}}},   {Level{0}, {Txid{16}, Txid{16}}},     {Level{1}, {Txid{1}, Txid{2}}},
                          {Level{1}, {Txid{1}, Txid{0x10}}}, {kSnapshotLevel, {Txid{1}, Txid{1}}}, {kSnapshotLevel, {Txid{1}, Txid{9}}}};
    for (auto id = std::rbegin(ids); id != std::rend(ids); ++id) add(*id, 1);
    const std::byte junk[3]{};
    for (const char* name : {"ltx/0/junk.ltx", "ltx/0/000000000000000A-000000000000000A.ltx", "ltx/10/0000000000000001-0000000000000001.ltx",
                             "ltx/foo", "generations", "ltx/0/sub/0000000000000001-0000000000000001.ltx"}) {
        write(root_ / name, junk);
    }
    std::vector<FileId> all;
    for (const auto& file : store_->listAll(kNoLimit)) all.push_back(file.id);
    EXPECT_EQ(all, std::vector<FileId>(std::begin(ids), std::end(ids)));
    EXPECT_EQ(store_->list(kLevel0, kNoLimit).size(), 2u);
    EXPECT_TRUE(store_->list(Level{5}, kNoLimit).empty());
}

TEST_F(ReplicaStoreTest, AnEmptyReplicaHasNoFiles) { EXPECT_TRUE(store_->listAll(kNoLimit).empty()); }

TEST_F(ReplicaStoreTest, ListsMoreThanOnePage) {
    const std::byte junk[3]{};
    for (std::uint64_t txid = 1; txid <= 2001; ++txid) write(pathOf({kLevel0, {Txid{txid}, Txid{txid}}}), junk);
    const auto files = store_->list(kLevel0, kNoLimit);
    ASSERT_EQ(files.size(), 2001u);
    for (std::uint64_t i = 0; i < files.size(); ++i) ASSERT_EQ(files[i].id.range.min, Txid{i + 1});
}

/// Endless pages, but for the third.
class LongListing final : public Transport {
public:
    const TransportCapabilities& capabilities() const noexcept override { return capabilities_; }
    std::vector<std::pair<std::string, std::string>> describe() const override { return {}; }
    std::uint64_t put(const std::string&, Body&, const PutOptions&, const CallContext&) override { return 0; }
    std::size_t get(const std::string&, std::uint64_t, MutableBytes, const CallContext&) override { return 0; }
    ObjectInfo head(const std::string& key, const CallContext&) override { return {key, 0, {}}; }
    std::vector<ObjectInfo> list(std::string_view, std::string_view startAfter, std::size_t limit, const CallContext& context) override {
        deadlines.push_back(context.deadline);
        if (deadlines.size() == 3) return {};
        std::vector<ObjectInfo> page;
        for (std::size_t i = 0; i < limit; ++i) page.push_back({std::string(startAfter) + "x" + std::to_string(1'000'000 + i), 0, {}});
        return page;
    }
    std::vector<RemoveFailure> remove(std::span<const std::string>, const CallContext&) override { return {}; }

    std::vector<CallContext::Clock::time_point> deadlines;

private:
    const TransportCapabilities capabilities_;
};

TEST_F(ReplicaStoreTest, EachPageOfAListingHasTheTimeOfARequest) {
    auto transport = std::make_unique<LongListing>();
    const auto& asked = transport->deadlines;
    ReplicaStore store(std::move(transport));
    store.listAll(std::chrono::minutes(1), {});
    ASSERT_EQ(asked.size(), 3u);
    EXPECT_LT(asked[0], asked[1]);
    EXPECT_LT(asked[1], asked[2]);
}

TEST_F(ReplicaStoreTest, AnObjectThatEndsTooEarlyIsCorrupt) {
    const FileInfo file = add({kLevel0, {Txid{1}, Txid{1}}}, 1);
    std::vector<std::byte> bytes(static_cast<std::size_t>(file.size) + 1);
    EXPECT_EQ(codeOf([&] { store_->read(file.id, 0, bytes, kNoLimit); }, store_->layout().key(file.id)), ErrorCode::Corrupt);
    EXPECT_EQ(codeOf([&] { store_->read(file.id, file.size + 5, MutableBytes(bytes).first(1), kNoLimit); }), ErrorCode::Corrupt);
    store_->read(file.id, 1, MutableBytes(bytes).first(static_cast<std::size_t>(file.size) - 1), kNoLimit);
}

TEST_F(ReplicaStoreTest, AMissingObjectIsNotFound) {
    std::byte bytes[1];
    EXPECT_EQ(codeOf([&] { store_->read({kLevel0, {Txid{1}, Txid{1}}}, 0, bytes, kNoLimit); }, "0000000000000001"), ErrorCode::NotFound);
}

TEST_F(ReplicaStoreTest, ReadsHeaderTrailerAndIndex) {
    // One page, an index within the first guess, and indexes around and far beyond its 32 KiB.
    for (const std::uint32_t pages : {1u, 100u, 4600u, 4700u, 4800u, 20000u}) {
        const FileId id{kLevel0, {Txid{1}, Txid{pages}}};
        const auto bytes = encode(id.range, pages);
        write(pathOf(id), bytes);
        const FileInfo file{id, bytes.size(), {}};
        EXPECT_EQ(store_->readHeader(id, kNoLimit).maxTxid, Txid{pages});
        const auto index = store_->readIndex(file, kNoLimit);
        ASSERT_EQ(index.size(), pages);
        EXPECT_EQ(index.back().page, pages);
        const auto codecs = registry().codecs();
        std::vector<std::byte> content(512);
        const auto& entry = index[pages / 2];
        std::vector<std::byte> frame(static_cast<std::size_t>(entry.size));
        store_->read(id, entry.offset, frame, kNoLimit);
        ltx::decodeFrame(frame, entry.page, codecs, content);
        const auto trailer = store_->readTrailer(file, kNoLimit);
        EXPECT_EQ(trailer.fileChecksum, ltx::verify(store_->open(file, kNoLimit), codecs).fileChecksum);
        EXPECT_EQ(store_->readTail(file, kNoLimit).trailer.fileChecksum, trailer.fileChecksum);
    }
}

TEST_F(ReplicaStoreTest, ChecksTheTailInPiecesAsReadTailDoes) {
    const FileId id{kLevel0, {Txid{1}, Txid{100}}};
    const auto sound = encode(id.range, 300);
    const FileInfo file{id, sound.size(), {}};
    write(pathOf(id), sound);
    const Tail tail = store_->readTail(file, kNoLimit);
    EXPECT_EQ(store_->crcFrom(file, tail.framesEnd, kNoLimit), ltx::crc64(0, ConstBytes(sound).subspan(tail.framesEnd)));
    const auto accepts = [&](const auto& read) {
        try {
            read();
            return true;
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::Corrupt) << error.what();
            return false;
        }
    };
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}, ReplicaStore::kTailPieceBytes}) {
        const TailSummary summary = store_->checkTail(file, kNoLimit, piece);
        EXPECT_EQ(summary.pageCount, 300u);
        EXPECT_EQ(summary.trailer.fileChecksum, tail.trailer.fileChecksum);
    }
    for (std::size_t at = static_cast<std::size_t>(tail.framesEnd); at < sound.size(); at += 1 + at % 3) {
        auto damaged = sound;
        damaged[at] ^= static_cast<std::byte>(1u << at % 8);
        write(pathOf(id), damaged);
        const bool expected = accepts([&] { store_->readTail(file, kNoLimit); });
        for (const std::size_t piece : {std::size_t{64}, ReplicaStore::kTailPieceBytes}) {
            EXPECT_EQ(accepts([&] { store_->checkTail(file, kNoLimit, piece); }), expected) << "byte " << at << ", pieces of " << piece;
        }
    }
}

TEST_F(ReplicaStoreTest, ErrorsOfTypedReadsNameTheFile) {
    const FileId id{kLevel0, {Txid{1}, Txid{1}}};
    for (const std::size_t size : {std::size_t{0}, std::size_t{50}, std::size_t{115}, std::size_t{116}, std::size_t{5000}}) {
        const std::vector<std::byte> zeros(size);
        write(pathOf(id), zeros);
        const FileInfo file{id, size, {}};
        const std::string key = store_->layout().key(id);
        EXPECT_EQ(codeOf([&] { store_->readHeader(id, kNoLimit); }, key), ErrorCode::Corrupt);
        EXPECT_EQ(codeOf([&] { store_->readIndex(file, kNoLimit); }, key), ErrorCode::Corrupt);
        EXPECT_EQ(codeOf([&] { store_->checkTail(file, kNoLimit); }, key), ErrorCode::Corrupt);
        if (size < 116) {
            EXPECT_EQ(codeOf([&] { store_->readTrailer(file, kNoLimit); }, key), ErrorCode::Corrupt);
        }
    }
}

TEST_F(ReplicaStoreTest, OpenGivesTheWholeFileWhateverTheBiteIs) {
    const FileId id{kLevel0, {Txid{1}, Txid{1}}};
    std::vector<std::byte> bytes(2'500'000);
    std::mt19937 random(3);
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::byte>(random()); });
    write(pathOf(id), bytes);
    for (const std::size_t bite : {std::size_t{4093}, std::size_t{1} << 20, std::size_t{3'000'000}}) {
        const auto source = store_->open({id, bytes.size(), {}}, kNoLimit);
        std::vector<std::byte> got;
        std::vector<std::byte> buffer(bite);
        while (const std::size_t count = source(buffer)) got.insert(got.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
        EXPECT_TRUE(got == bytes) << bite;
    }
}

}  // namespace
}  // namespace litestream::replica
