#include "Files.h"

#include "levels/Ledger.h"
#include "ltx/Format.h"
#include "support/TemporaryDirectory.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <random>

namespace litestream::levels::test {
namespace {

using Names = std::vector<std::string>;

/// What two inventories have in common that are the same, ages included.
std::vector<std::string> told(const Inventory& inventory) {
    std::vector<std::string> lines;
    for (const auto& info : inventory.all()) {
        const HeldFile& file = *inventory.find(info.id);
        lines.push_back(text(info.id) + ' ' + std::to_string(info.size) + ' ' + std::to_string((file.content - kStart) / 1ms) + ' ' +
                        std::to_string((file.stored - kStart) / 1ms) + ' ' + std::to_string(file.verified) + ' ' +
                        std::to_string(file.evidence.fileChecksum.value_or(0)) + ' ' + std::to_string(file.evidence.digest.value_or(0)));
    }
    lines.push_back("proven " + std::to_string(inventory.proven().txid.value) + ' ' + std::to_string(inventory.proven().when.milliseconds));
    return lines;
}

class LedgerTest : public ::testing::Test {
protected:
    Ledger ledger() { return Ledger(file_, {[this] { return now_; }, [this] { return wall(); }}); }
    Timestamp wall() const { return {(now_ - kStart) / 1ms + wallAhead_}; }
    /// A new process, with the listing that the inventory makes.
    Ledger restarted(const Ledger& before, std::vector<Finding>* findings = nullptr) {
        Ledger after = ledger();
        const auto found = after.open(before.inventory().all(), false, wall());
        if (findings != nullptr) *findings = found;
        return after;
    }
    std::uintmax_t size() const { return std::filesystem::file_size(file_); }

    litestream::test::TemporaryDirectory directory_;
    const std::filesystem::path file_ = directory_ / "inventory";
    Clock::time_point now_ = kStart + 1000s;
    std::int64_t wallAhead_ = 0;
};

TEST_F(LedgerTest, BeginsWithTheListingWhereNothingIsWrittenDown) {
    Ledger first = ledger();
    const std::vector<replica::FileInfo> listing{{id(0, 1, 1), 10, wall()}, {id(0, 2, 2), 10, wall()}};
    EXPECT_TRUE(first.open(listing, false, wall()).empty());
    EXPECT_EQ(texts(first.inventory().all()), (Names{"0/1-1", "0/2-2"}));
}

TEST_F(LedgerTest, ADigestIsWrittenDownOnceAndWithItsFile) {
    Ledger one = ledger();
    one.open({}, false, wall());
    const auto empty = size();
    one.expect(Txid{1}, 7);  // no file ends there yet
    EXPECT_EQ(size(), empty);
    HeldFile file = held(0, 1, 1, 0s);
    file.evidence.digest = 7;
    one.add(file);
    const auto written = size();
    EXPECT_GT(written, empty);
    one.expect(Txid{1}, 7);
    EXPECT_EQ(size(), written);
    one.expect(Txid{1}, 8);
    EXPECT_GT(size(), written);
    EXPECT_EQ(restarted(one).inventory().find(id(0, 1, 1))->evidence.digest, 8u);
}

TEST_F(LedgerTest, EverythingIsKnownAgainAfterAnyNumberOfChanges) {
    const auto seed = std::random_device{}();
    std::mt19937_64 chance(seed);
    SCOPED_TRACE(seed);
    Ledger before = ledger();
    before.open({}, false, wall());
    for (std::uint64_t txid = 1; txid <= 3000; ++txid) {
        now_ += 10ms;
        before.add(held(static_cast<std::uint32_t>(chance() % 3), txid, txid, 0s, chance() % 100'000));
        const auto all = before.inventory().all();
        const auto one = all[chance() % all.size()].id;
        switch (chance() % 7) {
            case 0: before.verified(one); break;
            case 1: before.expect(one.range.max, chance() | 1); break;
            case 2: before.prove({one.range.max, wall()}); break;
            case 3: before.leaving(std::span(&one, 1)); break;
            case 4: before.begun(id(5, 1, txid)); break;
            default:
                if (all.size() > 40) before.remove(one);
        }
    }
    EXPECT_LT(size(), (2 * before.inventory().size() + 600) * 96) << "it is written anew when it has grown";
    std::vector<Finding> findings;
    EXPECT_EQ(told(restarted(before, &findings).inventory()), told(before.inventory()));
    EXPECT_TRUE(findings.empty());
}

TEST_F(LedgerTest, CutAtAnyByteItTellsOfAnEarlierMoment) {
    Ledger before = ledger();
    before.open({}, false, wall());
    std::map<std::uintmax_t, std::vector<std::string>> moments{{size(), told(before.inventory())}};
    const auto noted = [&] { moments[size()] = told(before.inventory()); };
    for (std::uint64_t txid = 1; txid <= 4; ++txid) {
        before.add(held(0, txid, txid, std::chrono::seconds(txid)));
        noted();
        before.expect(Txid{txid}, txid);
        noted();
    }
    before.remove(id(0, 2, 2));
    noted();
    before.prove({Txid{4}, {77}});
    noted();
    std::string whole;
    whole.resize(size());
    std::ifstream(file_, std::ios::binary).read(whole.data(), static_cast<std::streamsize>(whole.size()));
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        std::ofstream(file_, std::ios::binary).write(whole.data(), static_cast<std::streamsize>(cut));
        const auto contents = InventoryFile(file_).load();
        const auto moment = moments.upper_bound(cut);
        EXPECT_EQ(contents.exists, moment != moments.begin()) << cut;
        if (contents.exists) {
            EXPECT_EQ(told(inventoryOf(contents, wall(), now_)), std::prev(moment)->second) << cut;
        }
        // What is appended behind a torn end is found again.
        Ledger after = ledger();
        after.open({}, false, wall());
        after.add(held(1, 1, 9, 9s));
        EXPECT_TRUE(InventoryFile(file_).load().files.contains(id(1, 1, 9))) << cut;
    }
}

TEST_F(LedgerTest, AChangedByteEndsIt) {
    Ledger before = ledger();
    before.open({}, false, wall());
    for (std::uint64_t txid = 1; txid <= 3; ++txid) before.add(held(0, txid, txid, 1s));
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(24 + 96 + 30);
    file.put('!');
    file.close();
    EXPECT_EQ(InventoryFile(file_).load().files.size(), 1u);
}

TEST_F(LedgerTest, AgesGoOnOverARestart) {
    Ledger before = ledger();
    before.open({}, true, wall());
    before.add({{id(0, 1, 1), 10, wall()}, now_ - 50s, now_, true, {}, wall()});
    now_ += 100s;
    Ledger after = ledger();
    EXPECT_TRUE(after.open(before.inventory().all(), true, wall()).empty());
    EXPECT_EQ(after.inventory().find(id(0, 1, 1))->stored, now_ - 100s);
    EXPECT_EQ(after.inventory().find(id(0, 1, 1))->content, now_ - 150s);
    // A wall clock that was set back makes nothing of the future.
    wallAhead_ = -1'000'000;
    Ledger again = ledger();
    again.open(before.inventory().all(), true, wall());
    EXPECT_EQ(again.inventory().find(id(0, 1, 1))->stored, now_);
}

TEST_F(LedgerTest, WhatIsListedOtherwiseIsFound) {
    Ledger before = ledger();
    before.open({}, true, wall());
    for (std::uint64_t txid = 1; txid <= 5; ++txid) before.add(held(0, txid, txid, std::chrono::seconds(txid)));
    const auto leaving = id(0, 2, 2);
    before.leaving(std::span(&leaving, 1));
    std::vector<replica::FileInfo> listing = before.inventory().all();
    listing.erase(listing.begin(), listing.begin() + 2);  // 1 is missing, and 2 was deleted by us
    listing[0].size += 1;
    listing.push_back({id(1, 1, 9), 10, {}});
    Ledger after = ledger();
    const auto findings = after.open(listing, true, wall());
    ASSERT_EQ(findings.size(), 3u);
    EXPECT_EQ(findings[0].trouble, Trouble::Unknown);
    EXPECT_EQ(text(findings[0].file.id), "1/1-9");
    EXPECT_EQ(findings[1].trouble, Trouble::Resized);
    EXPECT_EQ(text(findings[1].file.id), "0/3-3");
    EXPECT_EQ(findings[2].trouble, Trouble::Missing);
    EXPECT_EQ(text(findings[2].file.id), "0/1-1");
    // Until it has been seen to it is found at every start.
    EXPECT_EQ(ledger().open(listing, true, wall()).size(), 3u);
    // A replica that another writer has kept is what it is.
    Ledger adopted = ledger();
    adopted.begin(listing, true, wall());
    EXPECT_EQ(adopted.inventory().all().size(), listing.size());
    EXPECT_TRUE(ledger().open(listing, true, wall()).empty());
}

TEST_F(LedgerTest, WithoutItsEndItTellsOnlyOfWhatIsThere) {
    Ledger before = ledger();
    before.open({}, false, wall());
    HeldFile file = held(0, 1, 1, 1s);
    file.evidence.fileChecksum = 42;
    before.add(file);
    before.add(held(0, 2, 2, 1s));
    // Of another boot, as after a loss of power.
    {
        std::fstream other(file_, std::ios::in | std::ios::out | std::ios::binary);
        struct {
            char magic[8];
            std::uint64_t boot;
        } header{};
        other.read(reinterpret_cast<char*>(&header), sizeof(header));
        header.boot ^= 2;
        const std::uint64_t checksum = ltx::crc64(0, std::as_bytes(std::span(&header, 1)));
        other.seekp(0);
        other.write(reinterpret_cast<const char*>(&header), sizeof(header));
        other.write(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
    }
    EXPECT_FALSE(InventoryFile(file_).load().complete);
    const std::vector<replica::FileInfo> listing{{id(0, 1, 1), 1000, {}}, {id(0, 3, 3), 1000, {}}};
    Ledger after = ledger();
    EXPECT_TRUE(after.open(listing, false, wall()).empty());
    EXPECT_EQ(texts(after.inventory().all()), (Names{"0/1-1", "0/3-3"}));
    EXPECT_EQ(after.inventory().find(id(0, 1, 1))->evidence.fileChecksum, 42u);
}

TEST_F(LedgerTest, WhatCannotBeWrittenIsNotBelievedLater) {
    std::filesystem::create_directory(directory_ / "readonly");
    const auto file = directory_ / "readonly" / "inventory";
    Ledger before(file, {[this] { return now_; }, [this] { return wall(); }});
    before.open({}, false, wall());
    before.add(held(0, 1, 1, 1s));
    ASSERT_TRUE(std::filesystem::exists(file));
    // A directory of that name can be neither appended to nor replaced.
    std::filesystem::remove(file);
    std::filesystem::create_directories(file / "in the way");
    before.add(held(0, 2, 2, 1s));
    std::filesystem::remove_all(file);
    EXPECT_FALSE(InventoryFile(file).load().exists);
    before.add(held(0, 3, 3, 1s));
    EXPECT_EQ(InventoryFile(file).load().files.size(), 3u) << "it is begun anew, whole";
}

TEST_F(LedgerTest, AChangeCostsMicroseconds) {
    Ledger before = ledger();
    before.open({}, false, wall());
    constexpr int kChanges = 20'000;
    const auto begin = Clock::now();
    for (std::uint64_t txid = 1; txid <= kChanges; ++txid) {
        before.add(held(0, txid, txid, 1s));
        if (txid > 1500) before.remove(id(0, txid - 1500, txid - 1500));
    }
    const std::chrono::duration<double, std::micro> each = (Clock::now() - begin) / (2 * kChanges - 1500);
    std::cout << "a change: " << each.count() << " us\n";
}

TEST(InventoryFileName, IsThatOfAPlace) {
    const auto one = inventoryFileName("file", {{"path", "/a"}});
    EXPECT_EQ(one, inventoryFileName("file", {{"path", "/a"}}));
    EXPECT_NE(one, inventoryFileName("file", {{"path", "/b"}}));
    EXPECT_NE(one, inventoryFileName("other", {{"path", "/a"}}));
    EXPECT_TRUE(isInventoryFileName(one));
    EXPECT_TRUE(isInventoryFileName(one + ".tmp"));
    EXPECT_FALSE(isInventoryFileName("inventory-of-mine"));
    EXPECT_FALSE(isInventoryFileName("position"));
}

}  // namespace
}  // namespace litestream::levels::test
