#include "engine/PageSums.h"

#include "support/TemporaryDirectory.h"
#include "engine/SumsKeeper.h"
#include "ltx/Format.h"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <span>

namespace litestream::engine {
namespace {

using litestream::test::TemporaryDirectory;

class PageSumsTest : public ::testing::Test {
protected:
    void build(Txid txid, std::vector<std::uint64_t> entries) {
        sums_.begin(static_cast<std::uint32_t>(entries.size()));
        sums_.write(1, entries);
        sums_.seal(txid, static_cast<std::uint32_t>(entries.size()));
    }
    std::vector<std::uint64_t> entries(PageNumber first, std::size_t count) {
        std::vector<std::uint64_t> result(count);
        sums_.read(first, result);
        return result;
    }

    TemporaryDirectory directory_;
    PageSums sums_{directory_ / "pagesums"};
};

TEST_F(PageSumsTest, AreUntrustedUntilSealed) {
    EXPECT_FALSE(sums_.load().txid);
    sums_.begin(3);
    sums_.write(1, std::vector<std::uint64_t>{1, 2, 3});
    EXPECT_FALSE(sums_.load().txid);
    sums_.seal(Txid{4}, 3);
    EXPECT_EQ(sums_.load().txid, Txid{4});
    EXPECT_EQ(sums_.load().commit, 3u);
}

TEST_F(PageSumsTest, FollowGrowthAndShrinking) {
    build(Txid{1}, {11, 12, 13, 14});
    sums_.apply(Txid{1}, Txid{2}, 6, std::vector<PageSum>{{6, 26}, {2, 22}, {5, 25}});
    EXPECT_EQ(entries(1, 7), (std::vector<std::uint64_t>{11, 22, 13, 14, 25, 26, 0}));
    sums_.apply(Txid{2}, Txid{3}, 2, std::vector<PageSum>{{1, 31}});
    EXPECT_EQ(entries(1, 4), (std::vector<std::uint64_t>{31, 22, 0, 0})) << "entries beyond the end are gone";
    sums_.apply(Txid{3}, Txid{4}, 4, std::vector<PageSum>{{3, 43}, {4, 44}});
    EXPECT_EQ(entries(1, 4), (std::vector<std::uint64_t>{31, 22, 43, 44}));
    EXPECT_EQ(sums_.load().txid, Txid{4});
}

TEST_F(PageSumsTest, AreNotBelievedAfterAReboot) {
    build(Txid{1}, {11, 12});
    // The header as another boot would have written it: magic, TXID, pending TXID, boot, size, and the checksum of these 40 bytes.
    std::array<std::uint64_t, 6> header{};
    std::fstream file(directory_ / "pagesums", std::ios::in | std::ios::out | std::ios::binary);
    file.read(reinterpret_cast<char*>(header.data()), sizeof(header));
    const auto summed = std::as_bytes(std::span(header)).first(40);
    ASSERT_EQ(header[5], ltx::crc64(0, summed));
    header[3] ^= 2;
    header[5] = ltx::crc64(0, summed);
    file.seekp(0);
    file.write(reinterpret_cast<const char*>(header.data()), sizeof(header));
    file.close();
    EXPECT_FALSE(sums_.load().txid);
}

TEST_F(PageSumsTest, AreNotBelievedWithATornHeader) {
    build(Txid{1}, {11, 12});
    {
        std::fstream file(directory_ / "pagesums", std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(24);
        file.put('\x55');
    }
    EXPECT_FALSE(sums_.load().txid);
}

TEST_F(PageSumsTest, FlushKeepsThemTrusted) {
    build(Txid{3}, {11, 12});
    sums_.flush();
    EXPECT_EQ(sums_.load().txid, Txid{3});
    EXPECT_EQ(entries(1, 2), (std::vector<std::uint64_t>{11, 12}));
}

std::shared_ptr<Payload> cut(std::uint64_t txid, std::vector<PageSum> entries, std::uint32_t commit = 3) {
    const auto payload = std::make_shared<Payload>(Payload::Identity{Txid{txid}, {}, commit, 0, 0}, "unused");
    payload->sums.entries = std::move(entries);
    return payload;
}

TEST_F(PageSumsTest, KeeperAppliesCutsInOrderAndEachOnce) {
    build(Txid{1}, {1, 1, 1});
    SumsKeeper keeper(sums_);
    keeper.trust(Txid{1});
    const auto second = cut(2, {{1, 2}});
    keeper.durable(second);
    keeper.durable(cut(3, {{1, 3}, {2, 3}}));
    keeper.durable(second);
    EXPECT_EQ(keeper.txid(), Txid{3});
    EXPECT_EQ(entries(1, 3), (std::vector<std::uint64_t>{3, 3, 1}));
}

TEST_F(PageSumsTest, KeeperGivesUpWhereACutIsMissing) {
    build(Txid{1}, {1, 1, 1});
    SumsKeeper keeper(sums_);
    keeper.trust(Txid{1});
    keeper.durable(cut(3, {{1, 3}}));
    EXPECT_FALSE(keeper.txid());
    EXPECT_FALSE(sums_.load().txid);
}

TEST_F(PageSumsTest, KeeperHoldsCutsBackWhileAnImageIsRead) {
    SumsKeeper keeper(sums_);
    const auto build = keeper.build(Txid{5}, 3);
    ASSERT_TRUE(build);
    build->write(1, std::vector<std::uint64_t>{5, 5});
    keeper.durable(cut(5, {{1, 99}}));  // the image contains it already
    keeper.durable(cut(6, {{2, 66}}));
    build->write(3, std::vector<std::uint64_t>{5});
    keeper.end(build, true);
    EXPECT_EQ(keeper.txid(), Txid{6});
    EXPECT_EQ(entries(1, 3), (std::vector<std::uint64_t>{5, 66, 5}));
}

TEST_F(PageSumsTest, ABuildThatWasGivenUpWritesNothingMore) {
    SumsKeeper keeper(sums_);
    const auto old = keeper.build(Txid{5}, 2);
    keeper.end(old, false);
    const auto build = keeper.build(Txid{7}, 2);
    build->write(1, std::vector<std::uint64_t>{7, 7});
    old->write(1, std::vector<std::uint64_t>{5, 5});  // its reader has not noticed yet
    keeper.end(old, true);
    EXPECT_FALSE(keeper.txid()) << "the end of the old one is not the end of the new one";
    keeper.end(build, true);
    EXPECT_EQ(keeper.txid(), Txid{7});
    EXPECT_EQ(entries(1, 2), (std::vector<std::uint64_t>{7, 7}));
}

}  // namespace
}  // namespace litestream::engine
