#include "engine/PositionJournal.h"

#include "support/TemporaryDirectory.h"
#include "engine/LocalState.h"

#include <gtest/gtest.h>

#include <fstream>

namespace litestream::engine {
namespace {

using litestream::test::TemporaryDirectory;

JournalRecord record(std::uint64_t txid, unsigned mark) {
    JournalRecord result{Txid{txid}, {}, txid * 7, Timestamp{static_cast<std::int64_t>(txid)}, 10};
    result.position.size = 8;
    result.position.bytes[0] = static_cast<std::byte>(mark);
    return result;
}

class PositionJournalTest : public ::testing::Test {
protected:
    TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_ / "position";
    PositionJournal journal_{file_};
};

TEST_F(PositionJournalTest, AnAbsentJournalHasNoLineage) { EXPECT_EQ(journal_.load().lineage, 0u); }

TEST_F(PositionJournalTest, GivesBackWhatWasAppended) {
    journal_.reset({42, {}});
    for (std::uint64_t txid = 1; txid <= 5; ++txid) journal_.append(record(txid, 1));
    const auto contents = PositionJournal(file_).load();
    EXPECT_EQ(contents.lineage, 42u);
    ASSERT_EQ(contents.records.size(), 5u);
    ASSERT_NE(contents.find(Txid{3}), nullptr);
    EXPECT_EQ(contents.find(Txid{3})->fileChecksum, 21u);
    EXPECT_EQ(contents.find(Txid{6}), nullptr);
    EXPECT_EQ(readLocalStatus(directory_.path()).txid, Txid{5}) << "the journal is what `status` reads";
}

TEST_F(PositionJournalTest, TheLaterPositionOfATxidCounts) {
    journal_.reset({1, {}});
    journal_.append(record(1, 1));
    journal_.append(record(1, 2));
    const auto contents = journal_.load();
    ASSERT_EQ(contents.records.size(), 1u);
    EXPECT_EQ(contents.records[0].position.bytes[0], std::byte{2});
}

TEST_F(PositionJournalTest, EndsAtADamagedOrTornRecord) {
    journal_.reset({1, {}});
    for (std::uint64_t txid = 1; txid <= 4; ++txid) journal_.append(record(txid, 1));
    const auto size = std::filesystem::file_size(file_);
    std::filesystem::resize_file(file_, size - 10);
    EXPECT_EQ(journal_.load().records.size(), 3u);
    {
        std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(24 + 104 + 20);
        file.put('!');
    }
    EXPECT_EQ(journal_.load().records.size(), 1u);
}

TEST_F(PositionJournalTest, StaysSmallAndKeepsTheNewestRecords) {
    journal_.reset({9, {}});
    constexpr std::uint64_t kCuts = 5000;
    for (std::uint64_t txid = 1; txid <= kCuts; ++txid) journal_.append(record(txid, 1));
    EXPECT_LT(std::filesystem::file_size(file_), 256u * 1024);
    const auto contents = journal_.load();
    EXPECT_EQ(contents.lineage, 9u);
    EXPECT_EQ(contents.records.back().txid, Txid{kCuts});
    EXPECT_NE(contents.find(Txid{kCuts - 200}), nullptr);
}

}  // namespace
}  // namespace litestream::engine
