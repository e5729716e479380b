#include "Files.h"

#include "levels/Compaction.h"

#include <gtest/gtest.h>

namespace litestream::levels::test {
namespace {

constexpr std::uint64_t kLarge = 64u << 20;

class Compaction : public ::testing::Test {
protected:
    NextJob at(const std::vector<HeldFile>& files, std::chrono::seconds now) const {
        return nextJob(inventoryOf(files), settings_, kStart + now);
    }

    /// "2/1-9 of 1/1-4 1/5-9", "nothing", "in 30 s"
    std::string decision(const std::vector<HeldFile>& files, std::chrono::seconds now) const {
        const NextJob next = at(files, now);
        if (next.job) {
            std::string result = text(next.job->output) + (next.job->fromDatabase() ? " of the database" : " of");
            for (const auto& input : next.job->inputs) result += ' ' + text(input.id);
            return result;
        }
        if (!next.at) return "nothing";
        return "in " + std::to_string(std::chrono::floor<std::chrono::seconds>(*next.at - (kStart + now)).count()) + " s";
    }

    Settings settings_;
};

TEST_F(Compaction, NothingIsDueWhereNothingIsNew) {
    EXPECT_EQ(decision({}, 0s), "nothing");
    EXPECT_EQ(decision({held(9, 1, 4, 0s), held(0, 4, 4, 0s), held(1, 3, 4, 0s), held(2, 3, 4, 0s), held(3, 3, 4, 0s)}, 999h), "nothing");
}

TEST_F(Compaction, TheOldestFileThatWaitsDecidesWhen) {
    const std::vector<HeldFile> files{held(9, 1, 1, 0s), held(0, 2, 2, 10s), held(0, 3, 3, 35s)};
    EXPECT_EQ(decision(files, 36s), "in 4 s");
    EXPECT_EQ(decision(files, 40s), "1/2-3 of 0/2-2 0/3-3");
}

TEST_F(Compaction, ALevelGoesOnWhereItEnds) {
    EXPECT_EQ(decision({held(9, 1, 1, 0s), held(1, 2, 3, 30s), held(0, 3, 3, 29s), held(0, 4, 4, 40s)}, 70s), "1/4-4 of 0/4-4");
}

TEST_F(Compaction, HigherLevelsTakeOverLowerOnes) {
    const std::vector<HeldFile> files{held(9, 1, 1, 0s), held(1, 2, 3, 30s), held(1, 4, 7, 60s), held(0, 7, 7, 60s)};
    EXPECT_EQ(decision(files, 60s), "in 270 s");
    EXPECT_EQ(decision(files, 330s), "2/2-7 of 1/2-3 1/4-7");
}

TEST_F(Compaction, NeverAcrossAHole) {
    const std::vector<HeldFile> files{held(9, 1, 1, 0s), held(0, 2, 2, 1s), held(0, 3, 3, 1s), held(9, 1, 7, 2s), held(0, 8, 8, 3s)};
    // What comes before the hole gets no company any more: at once.
    EXPECT_EQ(decision(files, 4s), "1/2-3 of 0/2-2 0/3-3");
    auto then = files;
    then.push_back(held(1, 2, 3, 4s));
    EXPECT_EQ(decision(then, 33s), "1/8-8 of 0/8-8");
}

TEST_F(Compaction, TakesABoundedNumberOfFiles) {
    std::vector<HeldFile> files{held(9, 1, 1, 0s)};
    for (std::uint64_t txid = 2; txid < 2 + kMostInputs; ++txid) files.push_back(held(0, txid, txid, 1s));
    EXPECT_EQ(decision(files, 2s), "in 29 s");
    files.push_back(held(0, 2 + kMostInputs, 2 + kMostInputs, 1s));
    const NextJob next = at(files, 2s);
    ASSERT_TRUE(next.job);
    EXPECT_EQ(next.job->inputs.size(), kMostInputs);
    EXPECT_EQ(next.job->output, id(1, 2, 1 + kMostInputs));
}

TEST_F(Compaction, FilesMayOverlap) {
    EXPECT_EQ(decision({held(9, 1, 1, 0s), held(1, 2, 6, 0s), held(0, 5, 8, 0s), held(0, 7, 7, 0s), held(0, 9, 9, 0s)}, 31s),
              "1/5-9 of 0/5-8 0/9-9");
}

TEST_F(Compaction, ASnapshotIsMadeOfTheNewestOneAndTheLevels) {
    const std::vector<HeldFile> files{held(9, 1, 3, 0s),  held(3, 4, 20, 3600s),  held(2, 18, 30, 3900s), held(1, 31, 33, 3930s),
                                      held(2, 31, 33, 3930s), held(3, 21, 33, 3930s), held(0, 34, 34, 24h)};
    EXPECT_EQ(decision(files, 24h - 1s), "in 1 s");
    EXPECT_EQ(decision(files, 24h), "9/1-33 of 9/1-3 3/4-20 3/21-33");
}

TEST_F(Compaction, NoSnapshotWithoutNewTransactions) {
    EXPECT_EQ(decision({held(9, 1, 3, 0s), held(1, 2, 3, 0s), held(2, 2, 3, 0s), held(3, 2, 3, 0s), held(0, 3, 3, 0s)}, 999h), "nothing");
    settings_.snapshotInterval = 0s;
    EXPECT_EQ(decision({held(9, 1, 3, 0s), held(1, 2, 5, 0s), held(2, 2, 5, 0s), held(3, 2, 5, 0s), held(0, 5, 5, 0s)}, 999h), "nothing");
}

TEST_F(Compaction, AReplicaOfUpstreamWithoutSnapshotGetsOne) {
    settings_.levels = {30s};
    EXPECT_EQ(decision({held(0, 5, 5, 5s), held(1, 1, 5, 5s)}, 6s), "9/1-5 of 1/1-5");
}

TEST_F(Compaction, WithoutLevelsASnapshotTakesLevelZero) {
    settings_.levels = {};
    std::vector<HeldFile> files{held(9, 1, 1, 0s), held(0, 2, 2, 1h), held(0, 3, 3, 2h)};
    EXPECT_EQ(decision(files, 23h), "in 3600 s");
    EXPECT_EQ(decision(files, 24h), "9/1-3 of 9/1-1 0/2-2 0/3-3");
    for (std::uint64_t txid = 4; txid < 70; ++txid) files.push_back(held(0, txid, txid, 3h));
    EXPECT_EQ(decision(files, 24h), "9/1-69 of the database");
}

TEST_F(Compaction, AHoleThatNothingBridgesNeedsTheDatabase) {
    settings_.levels = {30s};
    EXPECT_EQ(decision({held(9, 1, 3, 0s), held(1, 6, 9, 1s), held(0, 9, 9, 1s)}, 24h), "9/1-9 of the database");
}

TEST_F(Compaction, AFileAsLargeAsTheDatabaseBecomesASnapshot) {
    std::vector<HeldFile> files{held(9, 1, 1, 0s, kLarge), held(0, 2, 2, 1s), held(0, 3, 3, 2s, kLarge), held(0, 4, 4, 3s)};
    EXPECT_EQ(decision(files, 3s), "1/2-2 of 0/2-2");  // it gets no company any more
    files.push_back(held(1, 2, 2, 3s));
    EXPECT_EQ(decision(files, 3s), "9/1-3 of 9/1-1 1/2-2 0/3-3");
    files.push_back(held(9, 1, 3, 3s, kLarge));
    EXPECT_EQ(decision(files, 3s), "in 30 s");
    EXPECT_EQ(decision(files, 33s), "1/4-4 of 0/4-4");
}

TEST_F(Compaction, ALargeFileBehindASnapshotOfTheDatabaseIsLeftBehind) {
    EXPECT_EQ(decision({held(9, 1, 5, 2s, kLarge), held(0, 3, 3, 1s, kLarge), held(0, 6, 6, 3s)}, 33s), "1/6-6 of 0/6-6");
}

TEST_F(Compaction, WhatIsSmallIsNotLargeBesideASmallSnapshot) {
    EXPECT_EQ(decision({held(9, 1, 1, 0s, 1000), held(0, 2, 2, 1s, 100'000)}, 31s), "1/2-2 of 0/2-2");
}

}  // namespace
}  // namespace litestream::levels::test
