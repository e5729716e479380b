#include "migrate/CopyOrder.h"

#include "restore/Plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace litestream::migrate {
namespace {

Object file(std::uint32_t level, std::uint64_t min, std::uint64_t max) {
    Object object{replica::FileId{{level}, {Txid{min}, Txid{max}}}};
    object.timestamp.milliseconds = static_cast<std::int64_t>(max);
    return object;
}

Object generationFile(std::uint64_t generation, std::uint32_t index, std::optional<std::uint64_t> offset, std::int64_t time) {
    Object object{GenerationFile{generation, index, offset}};
    object.timestamp.milliseconds = time;
    return object;
}

Inventory inventory(const std::vector<Object>& objects) {
    Inventory all;
    for (const Object& object : objects) all.insert(object);
    return all;
}

std::string shown(const Object& object) {
    if (!isLtx(object.id)) return object.key().substr(object.key().rfind('/') + 1, 8) + (isBase(object.id) ? "S" : "W");
    const auto& id = std::get<replica::FileId>(object.id);
    return std::to_string(id.level.value) + ":" + std::to_string(id.range.min.value) + "-" + std::to_string(id.range.max.value);
}

std::string order(const Inventory& source, const Inventory& destination = {}) {
    std::string text;
    for (const Step& step : copyOrder(source, destination)) {
        text += (text.empty() ? "" : " ") + shown(step.object) + "@" + std::to_string(step.after);
    }
    return text;
}

TEST(CopyOrderTest, TheNewestFileFirstAndTheSnapshotBehindWhatBuildsOnIt) {
    const auto source = inventory({file(9, 1, 4), file(0, 4, 4), file(0, 5, 5), file(0, 6, 6)});
    EXPECT_EQ(order(source), "0:6-6@0 0:5-5@1 0:4-4@1 9:1-4@3");
}

TEST(CopyOrderTest, AnOlderSnapshotComesBehindItsOwnFiles) {
    const auto source = inventory({file(9, 1, 2), file(1, 3, 4), file(9, 1, 4), file(0, 5, 5)});
    EXPECT_EQ(order(source), "0:5-5@0 1:3-4@1 9:1-4@2 9:1-2@3");
}

TEST(CopyOrderTest, WhereARestoreWorksWhatContinuesItComesInOrder) {
    const auto source = inventory({file(9, 1, 2), file(0, 3, 3), file(0, 4, 4), file(0, 5, 5), file(1, 3, 5)});
    const auto destination = inventory({file(9, 1, 2), file(0, 3, 3)});
    EXPECT_EQ(order(source, destination), "0:4-4@0 0:5-5@1 1:3-5@2");
}

TEST(CopyOrderTest, AMergedFileBridgesWhatLevelZeroNoLongerHas) {
    const auto source = inventory({file(9, 1, 2), file(1, 3, 6), file(0, 7, 7)});
    const auto destination = inventory({file(9, 1, 2), file(0, 3, 3)});
    EXPECT_EQ(order(source, destination), "1:3-6@0 0:7-7@1");
}

TEST(CopyOrderTest, BehindAHoleOfTheSourceComesLast) {
    const auto source = inventory({file(9, 1, 2), file(0, 3, 3), file(0, 5, 5), file(9, 1, 1)});
    const auto destination = inventory({file(9, 1, 2)});
    EXPECT_EQ(order(source, destination), "0:3-3@0 9:1-1@1 0:5-5@2");
}

TEST(CopyOrderTest, SnapshotsOfGenerationsComeLastAndByTime) {
    const auto source = inventory({generationFile(2, 1, std::nullopt, 10), generationFile(2, 1, 0, 11), generationFile(1, 7, std::nullopt, 20),
                                   generationFile(1, 7, 0, 21)});
    EXPECT_EQ(order(source), "00000007W@0 00000001W@0 00000001S@2 00000007S@3");
}

TEST(CopyOrderTest, ASegmentOfAGenerationThatCanBeRestoredWaitsForThoseBefore) {
    const auto source = inventory({generationFile(2, 1, std::nullopt, 10), generationFile(2, 1, 0, 11), generationFile(2, 1, 32, 12)});
    const auto destination = inventory({generationFile(2, 1, std::nullopt, 10)});
    EXPECT_EQ(order(source, destination), "00000001W@0 00000001W@1");
}

TEST(CopyOrderTest, TheFormatThatWasWrittenLastComesLast) {
    const auto snapshot = generationFile(2, 1, std::nullopt, 3);
    EXPECT_EQ(order(inventory({snapshot, file(0, 1, 5)})), "00000001S@0 0:1-5@1");
    EXPECT_EQ(order(inventory({snapshot, file(0, 1, 2)})), "0:1-2@0 00000001S@1");
}

TEST(ReachTest, IsWhatARestoreReaches) {
    EXPECT_EQ(reach(inventory({})).value, 0u);
    EXPECT_EQ(reach(inventory({file(0, 2, 2)})).value, 0u);
    EXPECT_EQ(reach(inventory({file(0, 1, 1), file(0, 2, 2), file(0, 4, 4)})).value, 0u);
    EXPECT_EQ(reach(inventory({file(9, 1, 3), file(0, 2, 2), file(0, 4, 4), file(1, 4, 6)})).value, 6u);
}

/// What a restore answers: the TXID, or 0 for a refusal.
std::uint64_t answer(const Inventory& replica, const restore::Target& target) {
    std::vector<replica::FileInfo> files;
    for (const Object& object : replica.objects) files.push_back({std::get<replica::FileId>(object.id), 1, object.timestamp});
    try {
        return restore::plan(files, target).back().id.range.max.value;
    } catch (const Error&) {
        return 0;
    }
}

/// A replica as a daemon leaves it: snapshots, merged files, and level 0 from some TXID on.
Inventory randomReplica(std::minstd_rand& random) {
    const std::uint64_t newest = 3 + random() % 30;
    std::vector<Object> objects{file(0, newest, newest)};
    const std::uint64_t levelZero = 1 + random() % newest;
    for (std::uint64_t txid = levelZero; txid < newest; ++txid) objects.push_back(file(0, txid, txid));
    for (std::uint64_t begin = 1; begin < newest;) {
        const std::uint64_t end = std::min(newest, begin + random() % 5);
        objects.push_back(file(1, begin, end));
        begin = end + 1;
    }
    for (unsigned i = random() % 4; i > 0; --i) objects.push_back(file(9, 1, 1 + random() % newest));
    return inventory(objects);
}

TEST(CopyOrderTest, AtNoMomentARestoreGivesAnOlderStateThanTheSource) {
    std::minstd_rand random(7);
    for (int round = 0; round < 300; ++round) {
        const Inventory source = randomReplica(random);
        Inventory destination;
        const std::uint64_t latest = answer(source, {});
        auto steps = copyOrder(source, destination);
        // Any order that the steps allow: one that may become visible is picked by chance.
        std::vector<bool> done(steps.size(), false);
        std::size_t prefix = 0;
        for (std::size_t count = 0; count < steps.size(); ++count) {
            std::vector<std::size_t> possible;
            for (std::size_t i = 0; i < steps.size(); ++i) {
                if (!done[i] && steps[i].after <= prefix) possible.push_back(i);
            }
            ASSERT_FALSE(possible.empty());
            const std::size_t pick = possible[random() % possible.size()];
            done[pick] = true;
            destination.insert(steps[pick].object);
            while (prefix < done.size() && done[prefix]) ++prefix;

            const std::uint64_t now = answer(destination, {});
            EXPECT_TRUE(now == 0 || now == latest) << "round " << round << ": " << now << " instead of " << latest;
            for (std::uint64_t time = 1; time <= latest + 1; ++time) {
                restore::Target target;
                target.timestamp = Timestamp{static_cast<std::int64_t>(time)};
                const std::uint64_t then = answer(destination, target);
                EXPECT_TRUE(then == 0 || then == answer(source, target)) << "round " << round << ", time " << time;
            }
            Txid levelZero;
            Txid highest;
            for (const Object& object : destination.objects) {
                const auto& id = std::get<replica::FileId>(object.id);
                highest = std::max(highest, id.range.max);
                if (id.level == replica::kLevel0) levelZero = std::max(levelZero, id.range.max);
            }
            EXPECT_EQ(levelZero, highest) << "a daemon would take TXIDs twice";
        }
    }
}

TEST(CopyOrderTest, WhatCanBeRestoredStaysSoWhileMoreIsCopied) {
    std::minstd_rand random(11);
    for (int round = 0; round < 300; ++round) {
        const Inventory source = randomReplica(random);
        // A part that was whole once: everything up to some TXID.
        Inventory destination;
        const std::uint64_t part = 1 + random() % answer(source, {});
        for (const Object& object : source.objects) {
            if (std::get<replica::FileId>(object.id).range.max.value <= part) destination.insert(object);
        }
        std::uint64_t before = answer(destination, {});
        if (before == 0) continue;
        for (const Step& step : copyOrder(source, destination)) {
            destination.insert(step.object);
            const std::uint64_t now = answer(destination, {});
            EXPECT_GE(now, before) << "round " << round;
            before = now;
        }
        EXPECT_EQ(before, answer(source, {}));
    }
}

}  // namespace
}  // namespace litestream::migrate
