#include "Fixture.h"

#include "ltx/Bytes.h"

#include <functional>
#include <string_view>

namespace litestream::ltx {
namespace {

using testing::Buffer;
using testing::fails;

ConstBytes bytesOf(std::string_view text) {
    return std::as_bytes(std::span(text));
}

TEST(Crc64, IsTheIsoVariantAndChains) {
    EXPECT_EQ(crc64(0, bytesOf("123456789")), 0xB90956C775A41001u);
    EXPECT_EQ(crc64(crc64(0, bytesOf("1234")), bytesOf("56789")), 0xB90956C775A41001u);
    EXPECT_EQ(crc64(0, {}), 0u);
}

TEST(Crc64, IsTheSameHoweverItIsCut) {
    const Buffer page = testing::noisePage(4096, 1);
    const std::uint64_t whole = crc64(0, page);
    for (std::size_t cut = 0; cut <= page.size(); cut += 61) {
        EXPECT_EQ(crc64(crc64(0, ConstBytes(page).first(cut)), ConstBytes(page).subspan(cut)), whole);
    }
}

TEST(Varint, GoesThereAndBack) {
    for (const std::uint64_t value :
         {0ull, 1ull, 127ull, 128ull, 16383ull, 16384ull, 3'000'000'000ull, 1ull << 63, ~0ull}) {
        std::byte bytes[kMaxVarint];
        ConstBytes rest(bytes, storeVarint(bytes, value));
        EXPECT_EQ(takeVarint(rest), value);
        EXPECT_TRUE(rest.empty());
    }
}

TEST(Varint, RefusesWhatIsCutShortOrTooLarge) {
    Buffer bytes(11, std::byte{0x80});
    ConstBytes rest = bytes;
    EXPECT_FALSE(takeVarint(rest));
    rest = ConstBytes(bytes).first(3);
    EXPECT_FALSE(takeVarint(rest));
    EXPECT_EQ(rest.size(), 3u);
    bytes.assign(9, std::byte{0xff});
    bytes.push_back(std::byte{2});  // bit 64
    rest = bytes;
    EXPECT_FALSE(takeVarint(rest));
    rest = {};
    EXPECT_FALSE(takeVarint(rest));
}

TEST(FileName, GoesThereAndBack) {
    const TxidRange range{Txid{1}, Txid{0xabcdef}};
    EXPECT_EQ(fileName(range), "0000000000000001-0000000000abcdef.ltx");
    EXPECT_EQ(parseFileName(fileName(range)), range);
    const TxidRange last{Txid{~0ull}, Txid{~0ull}};
    EXPECT_EQ(parseFileName(fileName(last)), last);
}

TEST(FileName, RefusesEverythingElse) {
    for (const char* name :
         {"", "0000000000000001-0000000000000002.ltx.tmp", "0000000000000001-0000000000000002", "00000001-00000002.ltx",
          "0000000000000001-000000000000000A.ltx", "0000000000000001_0000000000000002.ltx",
          "0x00000000000001-0000000000000002.ltx", "+000000000000001-0000000000000002.ltx",
          "0000000000000000-0000000000000002.ltx", "0000000000000003-0000000000000002.ltx"}) {
        EXPECT_FALSE(parseFileName(name)) << name;
    }
}

TEST(TxidText, IsSixteenLowerCaseDigits) {
    EXPECT_EQ(format(Txid{255}), "00000000000000ff");
    EXPECT_EQ(parseTxid("00000000000000ff"), Txid{255});
    for (const char* text :
         {"", "ff", "00000000000000FF", "00000000000000fg", " 0000000000000ff", "000000000000000ff"}) {
        EXPECT_FALSE(parseTxid(text)) << text;
    }
}

TEST(HeaderRules, AcceptWhatTheFormatAllows) {
    const auto accepts = [](const std::function<void(Header&)>& change) {
        Header header = testing::header(4096, 7, 3, 5);
        change(header);
        const Header back = decodeHeader(encode(header));
        EXPECT_EQ(encode(back), encode(header));
    };
    accepts([](Header&) {});
    accepts([](Header& h) { h.wal = WalRange{0, 0, 0, 0}; });
    accepts([](Header& h) { h.wal = WalRange{32, 4120, 7, 9}; });
    accepts([](Header& h) { h.timestamp = Timestamp{-1}; });
    accepts([](Header& h) { h.nodeId = ~0ull; });
    accepts([](Header& h) { h.commit = 0xffffffff; });
    accepts([](Header& h) { h.maxTxid = Txid{~0ull}; });
    accepts([](Header& h) {
        h.flags = 0;
        h.preApplyChecksum = kChecksumFlag | 5;
    });
    accepts([](Header& h) {
        h.flags = 0;
        h.commit = 0;
        h.preApplyChecksum = kChecksumFlag;
    });
    for (std::uint32_t size = 512; size <= 65536; size *= 2) accepts([&](Header& h) { h.pageSize = size; });
}

TEST(HeaderRules, EachRefusesAlone) {
    const auto refuses = [](const char* rule, const std::function<void(Header&)>& change) {
        Header header = testing::header(4096, 7, 3, 5);
        change(header);
        EXPECT_TRUE(fails(ErrorCode::Corrupt, rule, [&] { decodeHeader(encode(header)); })) << rule;
        EXPECT_TRUE(fails(ErrorCode::Corrupt, rule, [&] { validate(header); })) << rule;
    };
    refuses("unknown flags", [](Header& h) { h.flags = 3; });
    refuses("unknown flags", [](Header& h) { h.flags = 0x80000002; });
    for (const std::uint32_t size : {0u, 1u, 256u, 513u, 131072u})
        refuses("page size", [&](Header& h) { h.pageSize = size; });
    refuses("min TXID is zero", [](Header& h) { h.minTxid = {}; });
    refuses("max TXID is zero", [](Header& h) { h.maxTxid = {}; });
    refuses("above max", [](Header& h) { h.minTxid = Txid{6}; });
    refuses("negative WAL offset", [](Header& h) { h.wal.offset = -1; });
    refuses("negative WAL size", [](Header& h) { h.wal.size = -1; });
    refuses("salts without", [](Header& h) { h.wal = WalRange{0, 0, 0, 1}; });
    refuses("size without", [](Header& h) { h.wal = WalRange{0, 4120, 0, 0}; });
    refuses("not kept", [](Header& h) { h.preApplyChecksum = kChecksumFlag; });
    refuses("on a snapshot", [](Header& h) {
        h.minTxid = Txid{1};
        h.flags = 0;
        h.preApplyChecksum = kChecksumFlag;
    });
    refuses("missing", [](Header& h) { h.flags = 0; });
    refuses("top bit", [](Header& h) {
        h.flags = 0;
        h.preApplyChecksum = 1;
    });
    refuses("commit is zero", [](Header& h) { h.commit = 0; });
}

TEST(HeaderRules, RefuseWhatIsNoHeader) {
    auto bytes = encode(testing::header(4096, 7, 3, 5));
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "99 of 100", [&] { decodeHeader(ConstBytes(bytes).first(99)); }));
    bytes[3] = std::byte{'2'};
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "no LTX file", [&] { decodeHeader(bytes); }));
}

class PageIndex : public ::testing::Test {
protected:
    Buffer file_ = testing::encodeFile(
        testing::header(512, 3, 1, 1),
        {{1, testing::textPage(512, 1)}, {2, testing::noisePage(512, 2)}, {3, testing::textPage(512, 3)}});
    std::uint64_t needed_ = 0;

    std::optional<std::vector<IndexEntry>> fromTail(std::size_t size) {
        return decodeIndex(ConstBytes(file_).last(size), file_.size(), needed_);
    }
};

TEST_F(PageIndex, LeadsToEveryFrame) {
    const auto index = fromTail(file_.size());
    ASSERT_TRUE(index);
    ASSERT_EQ(index->size(), 3u);
    const auto pages = testing::decode(file_).pages;
    for (const IndexEntry& entry : *index) {
        Buffer content(512);
        decodeFrame(ConstBytes(file_).subspan(entry.offset, entry.size), entry.page, testing::lz4Set(), content);
        EXPECT_EQ(content, pages.at(entry.page));
    }
}

TEST_F(PageIndex, SaysHowMuchTailItNeeds) {
    for (std::size_t size = 0; size < 24; ++size) {
        EXPECT_FALSE(fromTail(size));
        EXPECT_EQ(needed_, 24u);
    }
    EXPECT_FALSE(fromTail(24));
    const std::size_t needed = needed_;
    ASSERT_GT(needed, 24u);
    EXPECT_FALSE(fromTail(needed - 1));
    EXPECT_TRUE(fromTail(needed));
}

TEST_F(PageIndex, RefusesEveryDamage) {
    fromTail(24);
    const std::size_t start = file_.size() - needed_;
    const Buffer good = file_;
    for (std::size_t at = start; at < file_.size() - kTrailerSize; ++at) {
        for (int bit = 0; bit < 8; ++bit) {
            file_ = good;
            file_[at] ^= static_cast<std::byte>(1 << bit);
            // A smaller index size would have to hit an entry's boundary; a page number may only change within its neighbours.
            try {
                const auto index = fromTail(file_.size());
                ASSERT_TRUE(index);
                EXPECT_EQ(index->size(), 3u);
                Buffer content(512);
                EXPECT_TRUE(fails(ErrorCode::Corrupt, "index promises", [&] {
                    for (const IndexEntry& entry : *index) {
                        decodeFrame(ConstBytes(file_).subspan(entry.offset, entry.size), entry.page, testing::lz4Set(),
                                    content);
                    }
                }));
            } catch (const Error& error) {
                EXPECT_EQ(error.code(), ErrorCode::Corrupt);
            }
        }
    }
}

TEST_F(PageIndex, OfAFileWithoutPagesIsEmpty) {
    file_ = testing::encodeFile(testing::header(512, 3, 2, 2), {});
    EXPECT_EQ(file_.size(), 131u);
    const auto index = fromTail(file_.size());
    ASSERT_TRUE(index);
    EXPECT_TRUE(index->empty());
    file_.pop_back();
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "130 bytes has none", [&] { fromTail(file_.size()); }));
}

TEST(CodecSet, NamesTheFlagsThatNoCodecReads) {
    EXPECT_TRUE(fails(ErrorCode::Unsupported, "0x0003", [] { testing::lz4Set().find(3); }));
    EXPECT_TRUE(testing::lz4Set().find(1).form.sizePrefixed);
    EXPECT_FALSE(testing::lz4Set().find(0).form.sizePrefixed);
}

TEST(CodecSet, KeepsTheFirstOwnerOfAForm) {
    const auto first = testing::openLz4();
    CodecSet set;
    set.add(first);
    set.add(testing::openLz4());
    EXPECT_EQ(set.find(1).codec, first.get());
}

}  // namespace
}  // namespace litestream::ltx
