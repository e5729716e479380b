#include "Fixture.h"

#include <chrono>
#include <cmath>
#include <iostream>
#include <optional>
#include <random>

#include <Poco/JSON/Array.h>
#include <gtest/gtest.h>

namespace litestream::restore::test {
namespace {

using replica::FileInfo;

FileInfo file(std::uint32_t level, std::uint64_t min, std::uint64_t max, std::int64_t milliseconds = 0) {
    return {{replica::Level{level}, {Txid{min}, Txid{max}}}, 1000, Timestamp{milliseconds}};
}

TEST(Plan, MakesTheSeventeenPlansThatUpstreamMakes) {
    const auto vectors = readJson(dataDirectory() / "restore/restore-plans.json");
    const auto scenarios = vectors->getArray("scenarios");
    ASSERT_EQ(scenarios->size(), 17u);
    for (unsigned i = 0; i < scenarios->size(); ++i) {
        const auto scenario = scenarios->getObject(i);
        SCOPED_TRACE(scenario->getValue<std::string>("name"));
        std::vector<FileInfo> files;
        const auto given = scenario->getArray("files");
        for (unsigned n = 0; n < given->size(); ++n) {
            const auto one = given->getObject(n);
            const auto txid = [&](const char* name) { return ltx::parseTxid(one->getValue<std::string>(name)).value().value; };
            files.push_back(file(one->getValue<std::uint32_t>("level"), txid("min"), txid("max"),
                                 std::llround(one->getValue<double>("created") * 1000)));
        }
        Target target;
        if (!scenario->isNull("before")) target.timestamp = Timestamp{std::llround(scenario->getValue<double>("before") * 1000)};

        const auto outcome = scenario->getValue<std::string>("outcome");
        if (outcome == "ok") {
            std::vector<std::string> wanted;
            const auto names = scenario->getArray("plan");
            for (unsigned n = 0; n < names->size(); ++n) wanted.push_back(names->getElement<std::string>(n));
            EXPECT_EQ(planNames(plan(files, target)), wanted);
        } else {
            const Error error = errorOf([&] { plan(files, target); });
            EXPECT_EQ(error.code(), outcome == "error" ? ErrorCode::Corrupt : ErrorCode::NotFound) << error.what();
        }
    }
}

TEST(Plan, NamesTheHole) {
    const Error error = errorOf([] { plan({file(9, 1, 5), file(0, 6, 6), file(0, 9, 9), file(0, 8, 8)}, {}); });
    EXPECT_STREQ(error.what(), "non-contiguous ltx files: have up to 0000000000000006 but next file starts at 0000000000000008");
}

TEST(Plan, ReachesStatesBeforeTheHole) {
    const std::vector<FileInfo> files{file(9, 1, 5), file(0, 6, 6, 10), file(0, 8, 8, 30)};
    EXPECT_EQ(plan(files, {Txid{6}, {}}).size(), 2u);
    EXPECT_EQ(plan(files, {{}, Timestamp{100}}).size(), 2u);
    EXPECT_EQ(errorOf([&] { plan(files, {Txid{8}, {}}); }).code(), ErrorCode::NotFound);
}

TEST(Plan, RefusesTxidAndTimeTogether) {
    EXPECT_EQ(errorOf([] { plan({file(9, 1, 5)}, {Txid{5}, Timestamp{7}}); }).code(), ErrorCode::InvalidArgument);
}

TEST(Plan, T63_TimesThatGoBackwardsSelectByTheirOwnTime) {
    // A clock that was set back: TXID 3 is older than TXID 2 by its time.
    const std::vector<FileInfo> files{file(9, 1, 1, 100), file(0, 2, 2, 300), file(0, 3, 3, 200), file(0, 4, 4, 400)};
    EXPECT_EQ(planNames(plan(files, {{}, Timestamp{250}})), planNames({file(9, 1, 1)}));
    EXPECT_EQ(plan(files, {{}, Timestamp{301}}).size(), 3u);
    EXPECT_EQ(plan(files, {{}, Timestamp{300}}).size(), 1u);
}

/// The rules once more, in the slowest way: every TXID that can be reached at all, and by how few files.
struct BruteForce {
    std::uint64_t reach = 0;
    std::size_t steps = 0;
};

BruteForce bruteForce(const std::vector<FileInfo>& files, const Target& target) {
    const auto eligible = [&](const FileInfo& f) {
        return (!target.txid || f.id.range.max <= *target.txid) && (!target.timestamp || f.timestamp < *target.timestamp);
    };
    BruteForce best;
    for (const auto& f : files) {
        if (f.id.level == replica::kSnapshotLevel && eligible(f) && f.id.range.max.value > best.reach) best = {f.id.range.max.value, 1};
    }
    // Breadth first: all TXIDs that one more file can end at.
    for (std::vector<std::uint64_t> ends{best.reach}; !ends.empty();) {
        std::vector<std::uint64_t> further;
        std::uint64_t farthest = best.reach;
        for (const std::uint64_t end : ends) {
            for (const auto& f : files) {
                if (f.id.level == replica::kSnapshotLevel || !eligible(f)) continue;
                if (f.id.range.min.value > end + 1 || f.id.range.max.value <= best.reach) continue;
                further.push_back(f.id.range.max.value);
                farthest = std::max(farthest, f.id.range.max.value);
            }
        }
        if (farthest > best.reach) best = {farthest, best.steps + 1};
        ends = std::move(further);
    }
    return best;
}

void compareWithBruteForce(const std::vector<FileInfo>& files, const Target& target) {
    const BruteForce expected = bruteForce(files, target);
    // A latest state that ends before files which nothing leads to.
    const bool hole = !target.txid && !target.timestamp && std::any_of(files.begin(), files.end(), [&](const FileInfo& f) {
        return f.id.level != replica::kSnapshotLevel && f.id.range.min.value > expected.reach + 1;
    });
    std::vector<FileInfo> made;
    try {
        made = plan(files, target);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::NotFound) {
            EXPECT_TRUE(expected.reach == 0 || (target.txid && expected.reach < target.txid->value)) << "reach " << expected.reach;
            return;
        }
        ASSERT_EQ(error.code(), ErrorCode::Corrupt);
        EXPECT_TRUE(hole) << error.what();
        return;
    }
    EXPECT_FALSE(hole) << "ends at " << expected.reach << " without a word";
    if (target.txid) {
        EXPECT_EQ(expected.reach, target.txid->value) << "another state than the one that was asked for";
    }
    EXPECT_EQ(made.back().id.range.max.value, expected.reach);
    EXPECT_EQ(made.size(), expected.steps);
    std::uint64_t reached = 0;
    for (const auto& f : made) {
        EXPECT_LE(f.id.range.min.value, reached + 1);
        EXPECT_GT(f.id.range.max.value, reached);
        reached = f.id.range.max.value;
    }
}

TEST(Plan, T64_IsTheShortestCoverThatBruteForceFinds) {
    const auto seed = std::random_device{}();
    std::mt19937 random(seed);
    const auto below = [&](std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(random); };
    for (int round = 0; round < 5000; ++round) {
        std::vector<FileInfo> files;
        for (std::uint64_t n = below(12); n > 0; --n) {
            const auto level = static_cast<std::uint32_t>(below(10));
            const std::uint64_t min = level == 9 ? 1 : 1 + below(12);
            files.push_back(file(level, min, level == 0 ? min : min + below(6), static_cast<std::int64_t>(below(8))));
        }
        Target target;
        if (round % 3 == 1) target.txid = Txid{1 + below(14)};
        if (round % 3 == 2) target.timestamp = Timestamp{static_cast<std::int64_t>(below(10))};
        compareWithBruteForce(files, target);
        if (::testing::Test::HasFailure()) FAIL() << "seed " << seed << ", round " << round;
    }
}

TEST(Plan, TheNumberOfFilesCountsOnce) {
    // Squared, these would take minutes.
    constexpr std::uint64_t kFiles = 300'000;
    std::vector<FileInfo> files{file(9, 1, 1)};
    for (std::uint64_t txid = kFiles; txid > 1; --txid) files.push_back(file(0, txid, txid));
    const auto began = std::chrono::steady_clock::now();
    const auto made = plan(files, {});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    ASSERT_EQ(made.size(), kFiles);
    for (std::uint64_t i = 0; i < kFiles; ++i) ASSERT_EQ(made[i].id.range.max.value, i + 1);
    std::cout << kFiles << " files planned in " << took.count() << " s\n";
}

}  // namespace
}  // namespace litestream::restore::test
