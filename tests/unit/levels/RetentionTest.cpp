#include "Files.h"

#include "levels/Retention.h"

#include <gtest/gtest.h>

namespace litestream::levels::test {
namespace {

using Names = std::vector<std::string>;

class Retention : public ::testing::Test {
protected:
    Deletions at(const std::vector<HeldFile>& files, std::chrono::seconds now) const {
        return deletable(inventoryOf(files), settings_, kStart + now);
    }
    Names names(const std::vector<HeldFile>& files, std::chrono::seconds now) const { return texts(at(files, now).files); }

    Settings settings_;
};

TEST_F(Retention, LevelZeroGoesAfterItsTimeBehindLevelOne) {
    const std::vector<HeldFile> files{held(9, 1, 1, 0s), held(0, 2, 2, 1s), held(0, 3, 3, 2s), held(0, 4, 4, 3s), held(1, 2, 3, 30s)};
    const auto early = at(files, 30s + 5min - 1s);
    EXPECT_EQ(texts(early.files), Names{});
    EXPECT_EQ(early.at, kStart + 30s + 5min);
    EXPECT_EQ(names(files, 30s + 5min), (Names{"0/2-2", "0/3-3"}));
}

TEST_F(Retention, LevelZeroStaysWhereNothingHasTakenItOver) {
    // T62: an empty level 1, and one that ends before.
    EXPECT_EQ(names({held(9, 1, 1, 0s), held(0, 2, 2, 1s), held(0, 3, 3, 2s)}, 999h), Names{});
    EXPECT_EQ(names({held(9, 1, 1, 0s), held(0, 3, 3, 1s), held(1, 4, 6, 1s), held(0, 7, 7, 2s)}, 999h), Names{});
    EXPECT_EQ(names({held(9, 1, 1, 0s), held(0, 2, 2, 1s), held(1, 2, 2, 1s), held(0, 3, 3, 1s), held(0, 4, 4, 2s)}, 999h), Names{"0/2-2"});
    EXPECT_EQ(names({held(9, 1, 9, 0s), held(0, 3, 3, 1s), held(0, 10, 10, 2s)}, 24h), Names{});
}

TEST_F(Retention, TheNewestFileOfALevelStays) {
    // T68: upstream's daemon begins again at TXID 1 where level 0 is empty.
    EXPECT_EQ(names({held(9, 1, 3, 0s), held(0, 3, 3, 1s), held(1, 2, 3, 1s)}, 999h), Names{});
    EXPECT_EQ(names({held(9, 1, 2, 0s), held(9, 1, 3, 0s), held(1, 1, 2, 0s), held(0, 3, 3, 1s)}, 999h), Names{});
}

TEST_F(Retention, AFileThatBecameASnapshotIsTakenOver) {
    EXPECT_EQ(names({held(9, 1, 1, 0s), held(0, 2, 2, 1s), held(9, 1, 2, 2s), held(0, 3, 3, 2s)}, 2s + 5min), Names{"0/2-2"});
}

TEST_F(Retention, SnapshotsOlderThanTheRetentionKeepTheNewestOfThem) {
    const std::vector<HeldFile> files{held(9, 1, 1, 0s),   held(9, 1, 10, 24h), held(9, 1, 20, 48h), held(1, 2, 10, 24h), held(1, 11, 20, 48h),
                                      held(1, 21, 30, 49h), held(0, 30, 30, 49h)};
    // The state of 25 hours ago needs the one of 24 h until that one is 25 h old.
    const auto early = at(files, 49h - 1s);
    EXPECT_EQ(texts(early.files), Names{});
    EXPECT_EQ(early.at, kStart + 49h);
    EXPECT_EQ(names(files, 49h), (Names{"1/2-10", "9/1-1"}));
}

TEST_F(Retention, TwoSnapshotsStayHoweverOldTheyAre) {
    EXPECT_EQ(names({held(9, 1, 1, 0s), held(9, 1, 2, 1s), held(0, 3, 3, 1s)}, 9999h), Names{});
    EXPECT_EQ(names({held(9, 1, 1, 0s), held(9, 1, 2, 1s), held(9, 1, 3, 2s), held(0, 3, 3, 1s)}, 9999h), Names{"9/1-1"});
}

TEST_F(Retention, NothingIsDeletedWhenSwitchedOff) {
    const std::vector<HeldFile> files{held(9, 1, 1, 0s), held(9, 1, 2, 1s), held(9, 1, 5, 2s), held(0, 2, 2, 1s), held(0, 4, 4, 1s), held(1, 3, 4, 1s), held(0, 5, 5, 2s)};
    EXPECT_EQ(names(files, 999h), (Names{"0/2-2", "0/4-4", "9/1-1"}));
    settings_.levelZeroRetention = 0s;
    EXPECT_EQ(names(files, 999h), Names{"9/1-1"});
    settings_.deletes = false;
    const auto off = at(files, 999h);
    EXPECT_EQ(texts(off.files), Names{});
    EXPECT_FALSE(off.at);
}

TEST_F(Retention, WhatIsReliedOnHasBeenReadBack) {
    std::vector<HeldFile> files{held(9, 1, 1, 0s), held(0, 2, 2, 1s), held(0, 3, 3, 1s), held(0, 4, 4, 2s), held(1, 2, 3, 30s)};
    files.back().verified = false;
    EXPECT_EQ(texts(at(files, 1h).relies), Names{"1/2-3"});
    files.back().verified = true;
    EXPECT_EQ(texts(at(files, 1h).relies), Names{});
}

TEST_F(Retention, NothingIsDeletedWhenASnapshotWouldReachLessFar) {
    // The merge takes the place of the files, but it starts behind what the snapshot reaches: a listing that lies, a name that is odd.
    const std::vector<HeldFile> files{held(9, 1, 5, 0s), held(0, 6, 8, 1s), held(0, 8, 8, 1s), held(1, 8, 9, 1s), held(0, 9, 9, 1s)};
    EXPECT_EQ(names(files, 1h), Names{"0/8-8"});
    const std::vector<HeldFile> broken{held(9, 1, 5, 0s), held(9, 1, 6, 0s), held(9, 1, 9, 0s), held(0, 6, 6, 1s), held(1, 6, 6, 1s), held(1, 7, 9, 1s), held(0, 9, 9, 1s)};
    EXPECT_EQ(names(broken, 999h), (Names{"0/6-6", "1/6-6", "9/1-5"}));
}

}  // namespace
}  // namespace litestream::levels::test
