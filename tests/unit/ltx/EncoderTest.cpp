#include "Fixture.h"

namespace litestream::ltx {
namespace {

using testing::Buffer;
using testing::fails;
using testing::Pages;

/// Takes any page in next to no time: for files with very many.
class TinyCodec final : public Codec {
public:
    PageForm written() const noexcept override { return kForm; }
    std::span<const PageForm> readable() const noexcept override { return {&kForm, 1}; }
    std::size_t maxPacked(std::size_t) const noexcept override { return 1; }
    std::size_t pack(ConstBytes page, MutableBytes out) const override {
        out[0] = page[0];
        return 1;
    }
    std::size_t unpack(std::uint16_t, ConstBytes packed, MutableBytes page) const override {
        std::fill(page.begin(), page.end(), packed[0]);
        return 1;
    }

private:
    static constexpr PageForm kForm{0x4000, true};
};

class EveryPageSize : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(EveryPageSize, RoundTripsTextNoiseAndZeros) {
    const std::uint32_t size = GetParam();
    Pages pages;
    for (PageNumber page = 1; page <= 30; ++page) {
        pages[page] = page % 3 == 0   ? Buffer(size)
                      : page % 3 == 1 ? testing::textPage(size, page)
                                      : testing::noisePage(size, page);
    }
    Header header = testing::header(size, 30, 1, 9);
    header.wal = WalRange{32, 3 * (std::int64_t{size} + 24), 0xdeadbeef, 0x12345678};
    header.nodeId = 77;
    const Buffer file = testing::encodeFile(header, pages);
    const auto decoded = testing::decode(file);
    EXPECT_EQ(decoded.pages, pages);
    EXPECT_EQ(encode(decoded.header), encode(header));
    EXPECT_EQ(decoded.trailer.postApplyChecksum, 0u);
}

INSTANTIATE_TEST_SUITE_P(Ltx, EveryPageSize, ::testing::Values(512, 1024, 2048, 4096, 8192, 16384, 32768, 65536));

TEST(Encoder, ReportsWhatItWrote) {
    MemorySink sink;
    Encoder encoder(sink, testing::header(512, 2, 1, 1), testing::lz4());
    encoder.addPage(1, testing::textPage(512, 1));
    encoder.addPage(2, testing::noisePage(512, 2));
    const Encoder::Result result = encoder.finish();
    EXPECT_EQ(result.size, sink.bytes().size());
    EXPECT_EQ(result.pageCount, 2u);
    EXPECT_EQ(result.fileChecksum, testing::decode(sink.bytes()).trailer.fileChecksum);
}

TEST(Encoder, ReportsWhatStandsBehindTheFrames) {
    for (const PageNumber pages : {1u, 2u, 500u}) {
        MemorySink sink;
        Encoder encoder(sink, testing::header(512, pages, 1, 1), testing::lz4());
        for (PageNumber page = 1; page <= pages; ++page) encoder.addPage(page, testing::textPage(512, page));
        const std::size_t framesEnd = sink.bytes().size();
        const Encoder::Result result = encoder.finish();
        EXPECT_EQ(result.framesEnd, framesEnd);
        EXPECT_EQ(result.tailCrc, crc64(0, ConstBytes(sink.bytes()).subspan(framesEnd)));
    }
}

TEST(Encoder, WritesTheIndexInParts) {
    constexpr std::uint32_t kPages = 300'000;
    const auto codec = std::make_shared<TinyCodec>();
    CodecSet codecs;
    codecs.add(codec);
    const Buffer page(512);
    MemorySink sink;
    Encoder encoder(sink, testing::header(512, kPages, 1, 1), *codec);
    for (PageNumber number = 1; number <= kPages; ++number) encoder.addPage(number, page);
    int parts = 0;
    for (std::size_t before = sink.bytes().size(); !encoder.finishStep(); before = sink.bytes().size(), ++parts) {
        EXPECT_LT(sink.bytes().size() - before, 1u << 20);
    }
    EXPECT_GT(parts, 3);
    EXPECT_TRUE(fails(ErrorCode::InvalidArgument, "finished", [&] { encoder.finishStep(); }));
    EXPECT_NO_THROW(verify(testing::sourceOf(sink.bytes()), codecs));
}

TEST(Encoder, WritesTheSameFileFromPagesPackedElsewhere) {
    const Header header = testing::header(4096, 2, 1, 1);
    const Pages pages{{1, testing::textPage(4096, 1)}, {2, testing::noisePage(4096, 2)}};
    MemorySink sink;
    Encoder encoder(sink, header, testing::lz4());
    Buffer packed(testing::lz4().maxPacked(4096));
    for (const auto& [number, content] : pages) {
        const std::size_t size = testing::lz4().pack(content, packed);
        encoder.addPacked(number, content, ConstBytes(packed).first(size));
    }
    encoder.finish();
    EXPECT_EQ(sink.bytes(), testing::encodeFile(header, pages));
}

TEST(Encoder, WritesPageNumbersBeyondTwoToThe31) {
    const Pages pages{{1, testing::textPage(512, 1)},
                      {3'000'000'000u, testing::textPage(512, 2)},
                      {0xfffffffeu, testing::noisePage(512, 3)}};
    const Buffer file = testing::encodeFile(testing::header(512, 0xfffffffe, 5, 5), pages);
    EXPECT_EQ(testing::decode(file).pages, pages);
    std::uint64_t needed = 0;
    const auto index = decodeIndex(file, file.size(), needed);
    ASSERT_TRUE(index);
    EXPECT_EQ(index->at(1).page, 3'000'000'000u);
}

TEST(Encoder, LeavesTheLockPageOutOfAnUpdate) {
    constexpr std::uint32_t kSize = 65536;
    constexpr PageNumber kLock = lockPage(kSize);
    static_assert(kLock == 16385);
    const Pages around{{kLock - 1, testing::textPage(kSize, 1)}, {kLock + 1, testing::textPage(kSize, 2)}};
    const Header header = testing::header(kSize, kLock + 1, 2, 2);
    EXPECT_EQ(testing::decode(testing::encodeFile(header, around)).pages, around);

    MemorySink sink;
    Encoder encoder(sink, header, testing::lz4());
    encoder.addPage(kLock - 1, around.at(kLock - 1));
    EXPECT_TRUE(fails(ErrorCode::InvalidArgument, "lock page", [&] { encoder.addPage(kLock, Buffer(kSize)); }));
    encoder.addPage(kLock + 1, around.at(kLock + 1));
    encoder.finish();
    EXPECT_EQ(testing::decode(sink.bytes()).pages, around);
}

class SnapshotOverTheLockPage : public ::testing::TestWithParam<int> {};

TEST_P(SnapshotOverTheLockPage, IsCompleteWithoutIt) {
    constexpr std::uint32_t kSize = 65536;
    constexpr PageNumber kLock = lockPage(kSize);
    const auto commit = static_cast<std::uint32_t>(static_cast<int>(kLock) + GetParam());
    const auto codec = std::make_shared<TinyCodec>();
    CodecSet codecs;
    codecs.add(codec);
    const Buffer zeros(kSize);
    MemorySink sink;
    Encoder encoder(sink, testing::header(kSize, commit, 1, 1), *codec);
    PageNumber written = 0;
    for (PageNumber page = 1; page <= commit; ++page) {
        if (page == kLock) continue;
        encoder.addPage(page, zeros);
        ++written;
    }
    EXPECT_EQ(encoder.finish().pageCount, written);

    Decoder decoder(testing::sourceOf(sink.bytes()), codecs, Decoder::Strictness::Verify);
    Buffer content(kSize);
    PageNumber read = 0;
    while (const PageNumber page = decoder.next(content)) {
        EXPECT_NE(page, kLock);
        ++read;
    }
    EXPECT_EQ(read, written);
}

INSTANTIATE_TEST_SUITE_P(Ltx, SnapshotOverTheLockPage, ::testing::Values(-1, 0, 1));

class EncoderMisuse : public ::testing::Test {
protected:
    MemorySink sink_;
    Buffer page_ = testing::textPage(512, 1);

    Encoder open(std::uint64_t minTxid) { return Encoder(sink_, testing::header(512, 5, minTxid, 9), testing::lz4()); }
    template <class Action>
    ::testing::AssertionResult refuses(const char* text, Action&& action) {
        return fails(ErrorCode::InvalidArgument, text, action);
    }
};

TEST_F(EncoderMisuse, RefusesPagesOutOfOrder) {
    Encoder encoder = open(2);
    encoder.addPage(3, page_);
    EXPECT_TRUE(refuses("page 3 follows page 3", [&] { encoder.addPage(3, page_); }));
    EXPECT_TRUE(refuses("page 2 follows page 3", [&] { encoder.addPage(2, page_); }));
    EXPECT_TRUE(refuses("zero", [&] { encoder.addPage(0, page_); }));
}

TEST_F(EncoderMisuse, RefusesPagesBeyondCommit) {
    Encoder encoder = open(2);
    EXPECT_TRUE(refuses("page 6 lies beyond commit 5", [&] { encoder.addPage(6, page_); }));
}

TEST_F(EncoderMisuse, RefusesHolesInASnapshot) {
    Encoder encoder = open(1);
    EXPECT_TRUE(refuses("page 1 of the snapshot is missing", [&] { encoder.addPage(2, page_); }));
    encoder.addPage(1, page_);
    EXPECT_TRUE(refuses("page 2 of the snapshot is missing", [&] { encoder.addPage(3, page_); }));
    EXPECT_TRUE(refuses("page 2 of the snapshot is missing", [&] { encoder.finish(); }));
}

TEST_F(EncoderMisuse, RefusesContentOfAnotherSize) {
    Encoder encoder = open(2);
    EXPECT_TRUE(refuses("511 bytes instead of 512", [&] { encoder.addPage(1, ConstBytes(page_).first(511)); }));
    EXPECT_TRUE(refuses("packed into 0", [&] { encoder.addPacked(1, page_, {}); }));
    EXPECT_TRUE(refuses("packed into 5000", [&] { encoder.addPacked(1, page_, Buffer(5000)); }));
}

TEST_F(EncoderMisuse, RefusesToGoOnBehindTheEnd) {
    Encoder encoder = open(2);
    encoder.finish();
    EXPECT_TRUE(refuses("finished", [&] { encoder.addPage(1, page_); }));
    EXPECT_TRUE(refuses("finished", [&] { encoder.finish(); }));
}

TEST_F(EncoderMisuse, RefusesBadHeadersBeforeAnythingIsWritten) {
    Header header = testing::header(513, 5, 2, 2);
    EXPECT_TRUE(refuses("page size 513", [&] { Encoder(sink_, header, testing::lz4()); }));
    header.pageSize = 0;
    EXPECT_TRUE(refuses("page size 0", [&] { Encoder(sink_, header, testing::lz4()); }));
    header = testing::header(512, 5, 1, 1);
    header.flags = 0;
    EXPECT_TRUE(refuses("not kept", [&] { Encoder(sink_, header, testing::lz4()); }));
    EXPECT_TRUE(refuses("commit is zero", [&] { Encoder(sink_, testing::header(512, 0, 1, 1), testing::lz4()); }));
    EXPECT_TRUE(sink_.bytes().empty());
}

}  // namespace
}  // namespace litestream::ltx
