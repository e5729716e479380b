#include "Files.h"

#include "levels/Audit.h"
#include "restore/Plan.h"

#include <litestream/Error.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace litestream::levels::test {
namespace {

TEST(Audit, NamesWhatDiffers) {
    auto inventory = inventoryOf({held(0, 1, 1, 1s), held(0, 2, 2, 2s), held(0, 3, 3, 3s), held(0, 4, 4, 4s)});
    inventory.seen(id(0, 2, 2), {2000});
    inventory.seen(id(0, 3, 3), {3000});
    const std::vector<replica::FileInfo> listing{
        {id(0, 2, 2), 1000, {2000}}, {id(0, 3, 3), 1000, {3001}}, {id(0, 4, 4), 999, {}}, {id(0, 5, 5), 1000, {}}};
    std::vector<std::string> lines;
    for (const auto& finding : compare(inventory, listing)) lines.push_back(text(finding.file.id) + ' ' + std::string(describe(finding.trouble)));
    EXPECT_EQ(lines, (std::vector<std::string>{"0/5-5 unknown", "0/3-3 replaced", "0/4-4 of another size", "0/1-1 missing"}));
    EXPECT_TRUE(compare(inventory, inventory.all()).empty());
}

TEST(Audit, AFileThatOthersHoldIsNotNeeded) {
    const auto inventory =
        inventoryOf({held(9, 1, 1, 1s), held(0, 2, 2, 2s), held(0, 3, 3, 3s), held(0, 4, 4, 4s), held(1, 2, 3, 3s), held(9, 1, 3, 3s)});
    EXPECT_FALSE(needed(inventory, id(0, 2, 2)));
    EXPECT_FALSE(needed(inventory, id(0, 3, 3)));
    EXPECT_TRUE(needed(inventory, id(0, 4, 4)));   // the newest state
    EXPECT_FALSE(needed(inventory, id(9, 1, 3)));  // the older one and level 1 lead there
    EXPECT_FALSE(needed(inventory, id(9, 1, 1)));  // what it leads to and the newer one does not are states of level 0 that a merge holds
    EXPECT_TRUE(needed(inventoryOf({held(9, 1, 1, 1s), held(1, 2, 2, 2s), held(9, 1, 3, 3s)}), id(9, 1, 1)));
}

TEST(Audit, WhatAMergeHoldsIsNeededOnlyWhereTheMergeIsInDoubt) {
    const auto inventory = inventoryOf({held(9, 1, 1, 1s), held(0, 2, 2, 2s), held(0, 3, 3, 3s), held(0, 4, 4, 4s), held(0, 5, 5, 5s), held(1, 2, 4, 4s)});
    EXPECT_FALSE(needed(inventory, id(0, 2, 2), {id(0, 2, 2), id(0, 3, 3)}));
    EXPECT_TRUE(needed(inventory, id(0, 2, 2), {id(0, 2, 2), id(1, 2, 4)}));
}

TEST(Audit, OfTwoFilesInARowBothAreNeeded) {
    const auto inventory = inventoryOf({held(9, 1, 1, 1s), held(0, 2, 2, 2s), held(0, 3, 3, 3s), held(0, 4, 4, 4s), held(9, 1, 5, 5s), held(0, 6, 6, 6s)});
    EXPECT_TRUE(needed(inventory, id(0, 2, 2), {id(0, 2, 2), id(0, 3, 3)}));
    EXPECT_TRUE(needed(inventory, id(0, 3, 3), {id(0, 2, 2), id(0, 3, 3)}));
    EXPECT_FALSE(needed(inventory, id(0, 4, 4)));  // only its own state: the next snapshot is from the database
}

TEST(Audit, TheNewestFileOfLevelZeroIsNeededWhateverElseHoldsIt) {
    EXPECT_TRUE(needed(inventoryOf({held(0, 2, 2, 2s), held(9, 1, 2, 2s)}), id(0, 2, 2)));
}

/// States that a planner finds.
std::set<Txid> planned(const std::vector<replica::FileInfo>& files) {
    std::set<Txid> found;
    for (const auto& file : files) {
        try {
            const auto plan = restore::plan(files, {file.id.range.max, std::nullopt});
            if (!plan.empty() && plan.back().id.range.max == file.id.range.max) found.insert(file.id.range.max);
        } catch (const Error&) {
        }
    }
    return found;
}

TEST(Audit, WhatIsNotNeededTakesNoOthersStateWithIt) {
    const auto seed = std::random_device{}();
    std::mt19937_64 chance(seed);
    SCOPED_TRACE(seed);
    unsigned needless = 0;
    for (int round = 0; round < 2000; ++round) {
        std::vector<HeldFile> files;
        for (std::uint64_t txid = 1; txid <= 8; ++txid) {
            if (chance() % 4 != 0) files.push_back(held(0, txid, txid, 1s));
            if (chance() % 3 == 0) files.push_back(held(1 + static_cast<std::uint32_t>(chance() % 2), 1 + chance() % txid, txid, 1s));
            if (chance() % 5 == 0) files.push_back(held(9, 1, txid, 1s));
        }
        if (files.empty()) continue;
        const Inventory inventory = inventoryOf(files);
        auto without = inventory.all();
        const auto gone = without[chance() % without.size()].id;
        const auto before = planned(without);
        std::erase_if(without, [&](const auto& file) { return file.id == gone; });
        if (needed(inventory, gone)) continue;
        ++needless;
        const auto after = planned(without);
        // Of level 0 only what no merge holds.
        const auto merged = [&](Txid txid) {
            const auto all = inventory.all();
            return std::ranges::any_of(all, [&](const auto& file) {
                return file.id.level.value > 0 && file.id.level.value < 9 && file.id.range.min <= txid && file.id.range.max > txid;
            });
        };
        for (const Txid txid : before) EXPECT_TRUE(txid == gone.range.max || after.contains(txid) || merged(txid)) << text(gone) << " of " << ::testing::PrintToString(texts(inventory.all()));
    }
    EXPECT_GT(needless, 200u);
}

}  // namespace
}  // namespace litestream::levels::test
