#include "Fixture.h"
#include "migrate/Migration.h"
#include "support/ErrorOf.h"
#include "support/TemporaryDirectory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>

namespace litestream::migrate {
namespace {

namespace fs = std::filesystem;

/// From a copy of an official replica to an empty directory.
struct MigrationTest : testing::Test {
    MigrationTest() {
        fs::copy(test::officialReplica(), dir / "from", fs::copy_options::recursive);
    }

    Migration migration(Options options = {}) {
        return Migration(from, to, test::codecs(), std::move(options), patience, stop);
    }

    std::size_t arrived() const {
        std::size_t count = 0;
        if (!fs::exists(dir / "to")) return 0;
        for (const auto& entry : fs::recursive_directory_iterator(dir / "to")) count += entry.is_regular_file();
        return count;
    }

    const test::TemporaryDirectory dir;
    CancellationSource stop;
    Patience patience{std::chrono::seconds(0), 1 << 20, stop.token(), transport::systemTiming()};
    test::HookedTransport from{dir / "from"};
    test::HookedTransport to{dir / "to"};
};

TEST_F(MigrationTest, CopiesAndTellsHowMuch) {
    Progress last;
    Migration all = migration({.progress = [&](const Progress& progress) { last = progress; }});
    const Preview preview = all.preview();
    EXPECT_EQ(arrived(), 0u);
    all.copyAll();
    all.confirm();
    EXPECT_EQ(all.report().copied, preview.steps.size());
    EXPECT_EQ(arrived(), preview.steps.size());
    EXPECT_EQ(last.objects, last.totalObjects);
    EXPECT_EQ(last.bytes, all.report().copiedBytes);
    EXPECT_TRUE(all.report().clean());
}

TEST_F(MigrationTest, ALostAnswerIsNoOtherObject) {
    bool lost = false;
    // The second attempt meets what the first one stored.
    to.afterPut = [&](const std::string&) {
        if (!std::exchange(lost, true)) throw Error(ErrorCode::Transient, "the answer was lost");
    };
    Patience long_{std::chrono::minutes(1), 1 << 20, stop.token(), transport::systemTiming()};
    Migration all(from, to, test::codecs(), {}, long_, stop);
    all.copyAll();
    EXPECT_TRUE(lost);
    EXPECT_TRUE(all.report().clean());
    EXPECT_EQ(all.report().copied, arrived());
}

TEST_F(MigrationTest, WhatVanishesIsLookedForAgain) {
    std::atomic<bool> done{false};
    // As a compaction does: the file goes, and what it was merged into is there before.
    from.beforeGet = [&](const std::string& key) {
        if (!key.starts_with("ltx/1/") || done.exchange(true)) return;
        fs::remove(dir / "from" / key);
    };
    Migration all = migration();
    all.copyAll();
    EXPECT_TRUE(done);
    EXPECT_TRUE(all.report().clean());
    EXPECT_EQ(all.report().copied, arrived());
    EXPECT_EQ(all.preview().steps.size(), 0u);
}

TEST_F(MigrationTest, ADestinationThatRefusesEndsIt) {
    to.beforePut = [](const std::string&) { throw Error(ErrorCode::Denied, "no"); };
    Migration all = migration();
    EXPECT_EQ(test::errorOf([&] { all.copyAll(); }).code(), ErrorCode::Denied);
    EXPECT_TRUE(stop.token().cancelled());
    EXPECT_EQ(arrived(), 0u);
}

TEST_F(MigrationTest, OneObjectThatMayNotBeReadDoesNot) {
    from.beforeGet = [](const std::string& key) {
        if (key.starts_with("ltx/1/")) throw Error(ErrorCode::Denied, "no");
    };
    Migration all = migration();
    all.copyAll();
    EXPECT_FALSE(all.report().refused.empty());
    EXPECT_GT(all.report().copied, 0u);
}

TEST_F(MigrationTest, DamageOnTheWayHeals) {
    std::atomic<int> reads{0};
    const std::string key = "ltx/0/0000000000000030-0000000000000030.ltx";
    from.beforeGet = [&](const std::string& asked) {
        if (asked != key) return;
        // The first read finds a wrong bit, the second one turns it back.
        std::fstream file(dir / "from" / key, std::ios::binary | std::ios::in | std::ios::out);
        file.seekg(150);
        const char byte = static_cast<char>(file.get());
        if (reads++ > 1) return;
        file.seekp(150);
        file.put(static_cast<char>(byte ^ 1));
    };
    Migration all = migration({.verify = Verify::None});
    all.copyAll();
    EXPECT_TRUE(all.report().clean());
    EXPECT_EQ(all.report().copied, arrived());
}

TEST_F(MigrationTest, DamageOfAnEndingOnTheWayIsNoDifference) {
    migration().copyAll();
    // Every file's ending is damaged once, at the source.
    std::mutex mutex;
    std::set<std::string> damaged;
    from.afterGet = [&](const std::string& key, MutableBytes got) {
        const std::lock_guard lock(mutex);
        if (got.size() == sizeof(Ending) && damaged.insert(key).second) got.back() ^= std::byte{1};
    };
    Migration again = migration();
    again.copyAll();
    EXPECT_GT(damaged.size(), 1u);
    EXPECT_TRUE(again.report().clean());
    EXPECT_EQ(again.report().copied, 0u);
    EXPECT_EQ(again.report().skipped, arrived());
}

TEST_F(MigrationTest, FollowingAsksForNewFilesOnly) {
    const fs::path newest = dir / "from/ltx/0/0000000000000035-0000000000000035.ltx";
    fs::rename(newest, dir / "later");
    Migration all = migration();
    all.copyAll();
    EXPECT_EQ(all.copyNewest(), 0u);
    fs::rename(dir / "later", newest);
    EXPECT_EQ(all.copyNewest(), 1u);
    EXPECT_EQ(all.copyNewest(), 0u);
    EXPECT_EQ(all.report().copied, arrived());
}

TEST_F(MigrationTest, LittleMemoryIsEnoughForAll) {
    Migration all = migration({.parallelism = 16, .memoryBytes = 1});
    all.copyAll();
    EXPECT_EQ(all.report().copied, arrived());
}

TEST_F(MigrationTest, SomethingThatVanishedFromTheDestinationIsNoticed) {
    Migration all = migration();
    all.copyAll();
    fs::remove(dir / "to/ltx/0/0000000000000035-0000000000000035.ltx");
    all.confirm();
    ASSERT_EQ(all.report().failed.size(), 1u);
    EXPECT_EQ(all.report().failed.front().key, "ltx/0/0000000000000035-0000000000000035.ltx");
}

TEST_F(MigrationTest, TheLineageProvesWhoseADestinationIs) {
    Migration first = migration();
    first.copyAll();
    for (const auto& entry : fs::directory_iterator(dir / "to/ltx")) {
        if (entry.path().filename() != "1") fs::remove_all(entry.path());
    }
    fs::remove_all(dir / "from/ltx/1");
    // Upstream's files have no lineage, and nothing is at both ends any more.
    const Error error = test::errorOf([&] { migration().copyAll(); });
    EXPECT_EQ(error.code(), ErrorCode::Conflict);
    EXPECT_NE(std::string(error.what()).find("another database's replica"), std::string::npos);
}

}  // namespace
}  // namespace litestream::migrate
