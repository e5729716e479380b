#include "CaptureRun.h"
#include "CheckpointPlan.h"
#include "Fixture.h"
#include "Guard.h"
#include "LockHolders.h"

#include <sqlite3.h>

#include <cstring>
#include <sstream>

namespace litestream::test {
namespace {

using namespace sqlite;

TEST(WalPosition, SurvivesItsEncoding) {
    WalPosition position;
    position.salts = {1, 0xfffffffe};
    position.frame = 7;
    position.checksum = {3, 4};
    position.commit = 4294967294;
    position.pageSize = 65536;
    position.file = {66, std::uint64_t{1} << 60};
    EXPECT_EQ(WalPosition::decode(position.encode()), position);
    EXPECT_LE(position.encode().size, Position::kMaxBytes);
    EXPECT_FALSE(WalPosition::decode(Position{}));
}

TEST(WalPosition, T21_OffsetsNeedSixtyFourBits) {
    EXPECT_EQ(walOffsetAfter(4000000000, 65536), 32 + std::uint64_t{4000000000} * 65560);
}

TEST(GrowthCheck, T18_MissingGrowthPageIsDamage) {
    GrowthCheck growth(10, 4096);
    for (const PageNumber page : {11u, 13u, 1u, 13u}) growth.page(page);
    EXPECT_THROW(growth.commit(13), WalDamage);
}

TEST(GrowthCheck, T19_LockPageIsNotDemanded) {
    const PageNumber lock = lockPage(65536);
    GrowthCheck growth(lock - 2, 65536);
    growth.page(lock - 1);
    growth.page(lock + 1);
    EXPECT_NO_THROW(growth.commit(lock + 1));
    growth.page(lock + 3);
    EXPECT_THROW(growth.commit(lock + 3), WalDamage);
}

TEST(GrowthCheck, T17_ShrinkingAndGrowingAgain) {
    GrowthCheck growth(10, 4096);
    growth.page(2);
    growth.commit(5);
    growth.page(7);
    growth.page(6);
    EXPECT_NO_THROW(growth.commit(7));
}

class CheckpointPlanTest : public ::testing::Test {
protected:
    using Step = CheckpointPlan::Step;
    using Result = CheckpointPlan::Result;
    CheckpointPlanTest() { header.mxFrame = 2000; }
    SourceSettings settings;
    WalIndexHeader header;
    SteadyClock::time_point now = SteadyClock::time_point{} + 1h;
};

TEST_F(CheckpointPlanTest, T31_NothingPendingMeansNoCheckpoint) {
    CheckpointPlan plan(settings);
    EXPECT_EQ(plan.next(header, 2000, std::uint64_t{1} << 40, now), Step::None);
    EXPECT_EQ(plan.callAt(), SteadyClock::time_point{});
}

TEST_F(CheckpointPlanTest, HelpsAfterASecondWithoutProgress) {
    CheckpointPlan plan(settings);
    EXPECT_EQ(plan.next(header, 0, 0, now), Step::None);
    EXPECT_EQ(plan.next(header, 10, 0, now + 900ms), Step::None);
    EXPECT_EQ(plan.next(header, 10, 0, now + 1500ms), Step::None);
    EXPECT_EQ(plan.next(header, 10, 0, now + 1900ms), Step::Passive);
}

TEST_F(CheckpointPlanTest, FewPagesWaitForTheInterval) {
    CheckpointPlan plan(settings);
    header.mxFrame = 5;
    EXPECT_EQ(plan.next(header, 0, 0, now), Step::None);
    EXPECT_EQ(plan.callAt(), now + 1min);
    EXPECT_EQ(plan.next(header, 0, 0, now + 1min), Step::Passive);
}

TEST_F(CheckpointPlanTest, T32_BlockedByAReaderBacksOff) {
    CheckpointPlan plan(settings);
    int attempts = 0;
    for (auto time = now; time < now + 10min; time += 10ms) {
        const auto step = plan.next(header, 0, std::uint64_t{1} << 30, time);
        if (step == Step::None) continue;
        ++attempts;
        plan.done(step, Result::Blocked, time);
    }
    EXPECT_LT(attempts, 80);
    EXPECT_GT(attempts, 10);
}

TEST_F(CheckpointPlanTest, BarrierOnlyIfAllowed) {
    settings.barrier = false;
    CheckpointPlan plan(settings);
    EXPECT_EQ(plan.next(header, 0, std::uint64_t{1} << 30, now), Step::None);
    settings.barrier = true;
    CheckpointPlan strict(settings);
    EXPECT_EQ(strict.next(header, 0, std::uint64_t{1} << 30, now), Step::Barrier);
}

TEST_F(SourceSqlite, T23_HeaderCopiesThatDisagreeAreNeverRead) {
    App app(database);
    app.must(kCreate);
    initialiseLibrary();
    std::vector<std::uint32_t> region(WalIndex::kRegionBytes / 4);
    {
        LockConnection connection(database, false);
        app.must(kInsert);
        ASSERT_TRUE(connection.index().header());
    }
    const auto shm = readFile(database.string() + "-shm");
    std::memcpy(region.data(), shm.data(), 136);
    const WalIndex index(region.data());
    ASSERT_TRUE(index.header());
    for (std::size_t word = 0; word < 24; ++word) {
        region[word] ^= 0x100;
        EXPECT_FALSE(index.header()) << "word " << word;
        region[word] ^= 0x100;
    }
    for (const std::size_t word : {4u, 5u, 8u}) {
        region[word] ^= 1;
        region[word + 12] ^= 1;
        EXPECT_FALSE(index.header()) << "both copies, word " << word;
        region[word] ^= 1;
        region[word + 12] ^= 1;
    }
}

TEST(LockHolders, AreReadFromTheKernelsAccount) {
    const std::string account =
        "1: POSIX  ADVISORY  READ 100 08:01:77 123 123\n"
        "2: POSIX  ADVISORY  READ 200 08:01:77 127 127\n"
        "2: -> POSIX  ADVISORY  WRITE 300 08:01:77 127 127\n"
        "3: POSIX  ADVISORY  READ 400 08:01:78 127 127\n"
        "4: FLOCK  ADVISORY  WRITE 500 08:01:77 0 EOF\n"
        "5: POSIX  ADVISORY  WRITE 600 08:01:77 120 EOF\n"
        "6: POSIX  ADVISORY  READ 700 08:01:77 120 128\n"
        "7: POSIX  ADVISORY  READ 200 08:01:77 127 127\n"
        "a line of tomorrow\n";
    std::istringstream locks(account);
    const auto holders = foreignHolders(locks, 77, 127, 700);
    EXPECT_EQ(holders, (std::vector<LockHolder>{{200, {}}, {600, {}}}));
    EXPECT_EQ(describe(LockHolder{200, "backup"}), "process 200 (backup)");
    EXPECT_EQ(describe(LockHolder{}), "a process that cannot be named");
}

}  // namespace
}  // namespace litestream::test
