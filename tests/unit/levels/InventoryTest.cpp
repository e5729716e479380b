#include "Files.h"

#include <gtest/gtest.h>

namespace litestream::levels::test {
namespace {

TEST(Inventory, KnowsLevelsReachAndSnapshots) {
    const auto inventory = inventoryOf({held(0, 4, 4, 4s), held(0, 3, 3, 3s), held(1, 1, 2, 2s), held(9, 1, 1, 1s), held(9, 1, 3, 3s)});
    EXPECT_EQ(inventory.size(), 5u);
    EXPECT_EQ(inventory.reach(0), Txid{4});
    EXPECT_EQ(inventory.reach(1), Txid{2});
    EXPECT_EQ(inventory.reach(2), Txid{});
    EXPECT_EQ(inventory.newestSnapshot()->info.id, id(9, 1, 3));
    EXPECT_NE(inventory.snapshotAt(Txid{1}), nullptr);
    EXPECT_EQ(inventory.snapshotAt(Txid{2}), nullptr);
    EXPECT_EQ(texts(inventory.all()), (std::vector<std::string>{"0/3-3", "0/4-4", "1/1-2", "9/1-1", "9/1-3"}));
}

TEST(Inventory, ReachGoesBackWhenTheNewestFileIsRemoved) {
    auto inventory = inventoryOf({held(1, 1, 9, 1s), held(1, 3, 5, 2s)});
    inventory.remove(id(1, 1, 9));
    EXPECT_EQ(inventory.reach(1), Txid{5});
    inventory.remove(id(1, 3, 5));
    inventory.remove(id(1, 3, 5));
    EXPECT_EQ(inventory.reach(1), Txid{});
    EXPECT_EQ(inventory.newestSnapshot(), nullptr);
}

TEST(Inventory, AFileAtTheSnapshotLevelThatIsNoSnapshotDoesNotCount) {
    EXPECT_EQ(inventoryOf({held(9, 2, 5, 1s)}).size(), 0u);
}

TEST(Inventory, TakesTheAgeOfListedFilesFromTheirTimestamps) {
    const std::vector<replica::FileInfo> listing{{id(0, 1, 1), 10, Timestamp{5'000}}, {id(0, 2, 2), 10, Timestamp{90'000}}};
    const Inventory exact(listing, true, Timestamp{65'000}, kStart);
    EXPECT_EQ(exact.find(id(0, 1, 1))->content, kStart - 60s);
    EXPECT_EQ(exact.find(id(0, 1, 1))->stored, kStart);  // its content is old; perhaps it was written just now
    EXPECT_EQ(exact.find(id(0, 2, 2))->content, kStart);  // from a clock that is ahead: new, not of the future
    EXPECT_FALSE(exact.find(id(0, 1, 1))->verified);

    const Inventory byStore(listing, false, Timestamp{65'000}, kStart);
    EXPECT_EQ(byStore.find(id(0, 1, 1))->stored, kStart - 60s);
}

}  // namespace
}  // namespace litestream::levels::test
