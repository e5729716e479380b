#include "engine/PageSums.h"

#include "support/TemporaryDirectory.h"
#include "engine/SumsKeeper.h"
#include "ltx/Format.h"

#include <litestream/Error.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <span>
#include <string>

namespace litestream::engine {
namespace {

using litestream::test::TemporaryDirectory;

class PageSumsTest : public ::testing::Test {
protected:
    void build(Txid txid, std::vector<std::uint64_t> entries) {
        sums_.begin(static_cast<std::uint32_t>(entries.size()));
        sums_.write(1, entries);
        sums_.seal(txid, static_cast<std::uint32_t>(entries.size()), ltx::addToDigest(ltx::kEmptyDigest, entries));
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
    sums_.seal(Txid{4}, 3, 77);
    EXPECT_EQ(sums_.load().txid, Txid{4});
    EXPECT_EQ(sums_.load().commit, 3u);
    EXPECT_EQ(sums_.load().digest, 77u);
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
    // The header as another boot would have written it: magic, TXID, pending TXID, boot, size, digests, and the checksum of these 56 bytes.
    std::array<std::uint64_t, 8> header{};
    std::fstream file(directory_ / "pagesums", std::ios::in | std::ios::out | std::ios::binary);
    file.read(reinterpret_cast<char*>(header.data()), sizeof(header));
    const auto summed = std::as_bytes(std::span(header)).first(56);
    ASSERT_EQ(header[7], ltx::crc64(0, summed));
    header[3] ^= 2;
    header[7] = ltx::crc64(0, summed);
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

TEST_F(PageSumsTest, TheDigestIsThatOfTheEntriesWhateverTheCuts) {
    std::mt19937 random(20'261'128);
    const auto upTo = [&](std::uint32_t most) { return std::uniform_int_distribution<std::uint32_t>(1, most)(random); };
    const auto sum = [&] { return (std::uint64_t{random()} << 32 | random()) | ltx::kEmptyDigest; };
    std::map<PageNumber, std::uint64_t> model;
    std::vector<std::uint64_t> first(50);
    for (PageNumber page = 1; page <= 50; ++page) model[page] = first[page - 1] = page == 7 ? 0 : sum();  // 7 plays the lock page
    build(Txid{1}, first);
    for (std::uint64_t txid = 2; txid < 300; ++txid) {
        // Shrinking, growing by pages that are all new, or neither.
        const auto commit = std::max<std::uint32_t>(8, upTo(4) == 1 ? upTo(30'000) : static_cast<std::uint32_t>(model.size()));
        std::map<PageNumber, std::uint64_t> changed;
        for (auto page = static_cast<PageNumber>(model.size() + 1); page <= commit; ++page) changed[page] = sum();
        for (std::uint32_t i = upTo(20); i > 0; --i) changed[upTo(commit)] = sum();
        changed.erase(7);
        model.erase(model.upper_bound(commit), model.end());
        std::vector<PageSum> cut;
        for (const auto& [page, value] : changed) {
            model[page] = value;
            cut.push_back({page, value});
        }
        std::shuffle(cut.begin(), cut.end(), random);
        if (upTo(5) == 1) cut.push_back({commit + upTo(9), sum()});  // a page beyond the end does not count
        std::uint64_t expected = ltx::kEmptyDigest;
        for (const auto& [page, value] : model) expected = ltx::addToDigest(expected, value);
        ASSERT_EQ(sums_.apply(Txid{txid - 1}, Txid{txid}, commit, cut), expected) << "TXID " << txid << ", " << commit << " pages";
        ASSERT_EQ(sums_.load().digest, expected);
        ASSERT_EQ(ltx::addToDigest(ltx::kEmptyDigest, entries(1, commit + 10)), expected);
    }
}

TEST_F(PageSumsTest, AnUpdateThatWasCutShortIsRepeated) {
    build(Txid{1}, {11, 12, 13, 14});
    const std::vector<PageSum> cut{{2, 22}, {3, 23}};
    const auto path = directory_ / "pagesums";
    // What the file looks like when the process dies behind the first entry: the header of before the update and one entry of after it.
    std::string before;
    {
        std::ifstream file(path, std::ios::binary);
        before.assign(std::istreambuf_iterator<char>(file), {});
    }
    const auto whole = sums_.apply(Txid{1}, Txid{2}, 3, cut);
    std::array<std::uint64_t, 8> header{};
    std::memcpy(header.data(), before.data(), sizeof(header));
    header[2] = 2;  // pending
    header[6] = whole;
    header[7] = ltx::crc64(0, std::as_bytes(std::span(header)).first(56));
    std::memcpy(before.data(), header.data(), sizeof(header));
    before[64 + 8] = 22;
    std::ofstream(path, std::ios::binary).write(before.data(), static_cast<std::streamsize>(before.size()));
    ASSERT_TRUE(sums_.load().dirty);
    EXPECT_EQ(sums_.apply(Txid{1}, Txid{2}, 3, cut), whole);
    EXPECT_EQ(whole, ltx::addToDigest(ltx::kEmptyDigest, std::vector<std::uint64_t>{11, 22, 23}));
    EXPECT_EQ(entries(1, 5), (std::vector<std::uint64_t>{11, 22, 23, 0, 0})) << "it shrinks all the same";
    EXPECT_FALSE(sums_.load().dirty);
}

TEST_F(PageSumsTest, OnesOfAnotherStateAreNotChanged) {
    build(Txid{4}, {11, 12});
    EXPECT_THROW(sums_.apply(Txid{3}, Txid{4}, 2, std::vector<PageSum>{{1, 41}}), Error);
    EXPECT_EQ(entries(1, 2), (std::vector<std::uint64_t>{11, 12}));
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
    keeper.trust(sums_.load());
    const auto second = cut(2, {{1, 2}});
    keeper.durable(second);
    keeper.durable(cut(3, {{1, 3}, {2, 3}}));
    keeper.durable(second);
    EXPECT_EQ(keeper.txid(), Txid{3});
    EXPECT_EQ(entries(1, 3), (std::vector<std::uint64_t>{3, 3, 1}));
}

TEST_F(PageSumsTest, KeeperTellsTheDigestOfEachCut) {
    std::vector<std::pair<Txid, std::uint64_t>> known;
    std::vector<Txid> wrong;
    SumsKeeper keeper(sums_, {.known = [&](Txid txid, std::uint64_t digest) { known.emplace_back(txid, digest); },
                              .wrong = [&](Txid txid) { wrong.push_back(txid); }});
    EXPECT_FALSE(keeper.digest());
    const auto build = keeper.build(Txid{5}, 2);
    build->write(1, std::vector<std::uint64_t>{9});
    build->write(1, std::vector<std::uint64_t>{1});  // from the beginning again
    build->write(2, std::vector<std::uint64_t>{2});
    const auto sixth = cut(6, {{2, 12}}, 2);
    keeper.durable(sixth);
    EXPECT_TRUE(known.empty());
    keeper.end(build, true);
    const std::uint64_t after = ltx::kEmptyDigest | (1 ^ 12);
    EXPECT_EQ(known, (std::vector<std::pair<Txid, std::uint64_t>>{{Txid{5}, ltx::kEmptyDigest | 3}, {Txid{6}, after}}));
    EXPECT_EQ(sixth->sums.digest, after);
    EXPECT_EQ(keeper.digest(), after);
    // An image that was read whole knows better, and takes back what was said.
    const auto seventh = cut(7, {{1, 4}}, 2);
    seventh->sums.image = 4711;
    keeper.durable(seventh);
    EXPECT_EQ(wrong, std::vector<Txid>{Txid{7}});
    EXPECT_EQ(known.back(), (std::pair<Txid, std::uint64_t>{Txid{7}, 4711}));
    EXPECT_EQ(sums_.load().digest, 4711u);
    keeper.correct(4711);
    EXPECT_EQ(wrong.size(), 1u);
    keeper.distrust();
    EXPECT_FALSE(keeper.digest());
}

TEST_F(PageSumsTest, KeeperGivesUpWhereACutIsMissing) {
    build(Txid{1}, {1, 1, 1});
    SumsKeeper keeper(sums_);
    keeper.trust(sums_.load());
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
