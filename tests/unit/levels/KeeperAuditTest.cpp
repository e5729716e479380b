#include "KeeperFixture.h"

#include "support/TemporaryDirectory.h"
#include "util/Clock.h"

namespace litestream::levels::test {
namespace {

class KeeperAudit : public KeeperTest {
protected:
    void SetUp() override {
        settings_.auditInterval = 1h;
        settings_.levels.clear();  // nothing is merged or deleted
        settings_.levelZeroRetention = 0s;
        file_ = directory_ / "inventory";
        restart({});
        store(put(id(9, 1, 1), 1, {{1, 1}}));
        for (std::uint64_t txid = 2; txid <= 5; ++txid) {
            store(put(id(0, txid, txid), 1, {{1, static_cast<std::uint8_t>(txid)}}));
        }
        gets_ = store_.requests()["GET"];
        ::testing::internal::CaptureStdout();
    }
    void TearDown() override {
        said("");
        ::testing::internal::GetCapturedStdout();
        if (HasFailure()) std::cout << log_;
    }

    /// From now on a second replica has what this one has now.
    void keepCopies() {
        for (const auto& name : store_.keys()) copies_[*replicas_->layout().parse(name)] = store_.content(name);
        donors_ = [this](const replica::FileId& file, const HeldFile& known) {
            std::vector<Donor> donors;
            const auto copy = copies_.find(file);
            if (copy == copies_.end()) return donors;
            donors.push_back({"other", copy->second.size(), known.evidence.fileChecksum, [this, copy](const CallContext&) {
                                  ++copied_;
                                  return [bytes = std::string_view(copy->second)](MutableBytes into) mutable {
                                      const std::size_t count = std::min(into.size(), bytes.size());
                                      std::memcpy(into.data(), bytes.data(), count);
                                      bytes.remove_prefix(count);
                                      return count;
                                  };
                              }});
            return donors;
        };
    }
    std::string& content(const replica::FileId& file) { return store_.content(key(file)); }
    /// As another program would: with another time.
    void overwrite(const replica::FileId& file, const std::string& bytes) { store_.insert(key(file), bytes, {}); }
    /// What is stored now has another time than what was stored before.
    static void laterMillisecond() {
        const auto before = SystemWallClock().now();
        while (SystemWallClock().now() == before) {
        }
    }
    /// Runs jobs until nothing is due for a minute.
    void settle() { until(std::chrono::duration_cast<std::chrono::seconds>(now_ - kStart) + 1min); }
    void audit() {
        until(std::chrono::duration_cast<std::chrono::seconds>(now_ - kStart) + 1h);
        settle();
    }

    litestream::test::TemporaryDirectory directory_;
    std::map<replica::FileId, std::string> copies_;
    unsigned copied_ = 0;
    unsigned gets_ = 0;
};

TEST_F(KeeperAudit, ListsOnceInItsIntervalAndFindsNothingWhereNothingIs) {
    until(10h);
    EXPECT_GE(store_.requests()["LIST"], 9u);
    EXPECT_LE(store_.requests()["LIST"], 11u);
    EXPECT_EQ(store_.requests()["GET"], gets_);
    EXPECT_TRUE(said("WARN").empty());
}

TEST_F(KeeperAudit, AMissingFileComesBackBitByBit) {
    keepCopies();
    const std::string before = content(id(0, 3, 3));
    store_.erase(key(id(0, 3, 3)));
    audit();
    EXPECT_EQ(content(id(0, 3, 3)), before);
    EXPECT_EQ(wanted_, "");
    const auto lines = said("WARN");
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find("\"replica file mended\""), std::string::npos) << lines[0];
    EXPECT_NE(lines[0].find("0000/0000000000000003-0000000000000003.ltx reason=missing from=other"), std::string::npos) << lines[0];
    // And that was all.
    const auto requests = store_.requests();
    audit();
    EXPECT_EQ(store_.requests().at("PUT"), requests.at("PUT"));
    EXPECT_TRUE(said("WARN").empty());
}

TEST_F(KeeperAudit, AListingThatIsWrongCostsNoFile) {
    const std::string before = content(id(0, 3, 3));
    now_ += 1h;
    turn();
    ASSERT_EQ(background_.size(), 1u);
    // For as long as it is made one file is not there, one has another size, and there is one more.
    store_.erase(key(id(0, 3, 3)));
    content(id(0, 4, 4)) += '!';
    put(id(3, 1, 9), 1, {{1, 9}});
    const auto listing = std::move(background_.front());
    background_.pop_front();
    listing();
    store_.insert(key(id(0, 3, 3)), before, {});
    content(id(0, 4, 4)).pop_back();
    store_.erase(key(id(3, 1, 9)));
    const auto puts = store_.requests()["PUT"];
    settle();
    EXPECT_TRUE(said("WARN").empty());
    EXPECT_EQ(wanted_, "");
    EXPECT_EQ(store_.requests()["PUT"], puts);
    EXPECT_EQ(held(), (Names{"0/2-2", "0/3-3", "0/4-4", "0/5-5", "9/1-1"}));
}

TEST_F(KeeperAudit, AFileThatWasTruncatedComesBackInItsPlace) {
    keepCopies();
    content(id(0, 3, 3)).resize(60);
    audit();
    EXPECT_EQ(content(id(0, 3, 3)), copies_.at(id(0, 3, 3)));
    EXPECT_EQ(said("reason=damaged from=other").size(), 1u);
}

TEST_F(KeeperAudit, FilesThatWereSwappedComeBackInTheirPlaces) {
    audit();  // from then on the store's times are known
    keepCopies();
    ASSERT_EQ(content(id(0, 3, 3)).size(), content(id(0, 4, 4)).size());
    laterMillisecond();
    overwrite(id(0, 3, 3), copies_.at(id(0, 4, 4)));
    overwrite(id(0, 4, 4), copies_.at(id(0, 3, 3)));
    audit();
    for (const auto& [file, bytes] : copies_) EXPECT_EQ(content(file), bytes) << text(file);
    EXPECT_EQ(said("reason=damaged from=other").size(), 2u);
}

TEST_F(KeeperAudit, FilesThatWereSwappedWhileWeWereAwayComeBackInTheirPlaces) {
    audit();
    keepCopies();
    laterMillisecond();
    overwrite(id(0, 3, 3), copies_.at(id(0, 4, 4)));
    overwrite(id(0, 4, 4), copies_.at(id(0, 3, 3)));
    restart();
    turn();
    settle();
    for (const auto& [file, bytes] : copies_) EXPECT_EQ(content(file), bytes) << text(file);
}

TEST_F(KeeperAudit, AFileThatWasWrittenOnceMoreAsItWasIsNoFinding) {
    audit();
    laterMillisecond();
    overwrite(id(0, 3, 3), content(id(0, 3, 3)));
    audit();
    EXPECT_TRUE(said("WARN").empty());
    const auto gets = store_.requests()["GET"];
    audit();
    EXPECT_EQ(store_.requests()["GET"], gets) << "it is read once";
}

TEST_F(KeeperAudit, T61_AStoreThatFailsSaysNothingOfAFile) {
    audit();
    laterMillisecond();
    overwrite(id(0, 3, 3), content(id(0, 3, 3)));
    store_.fail([](const std::string& operation) {
        if (operation == "HEAD") throw Error(ErrorCode::Denied, "head: access denied");
    });
    audit();
    EXPECT_EQ(said("audit failed").size(), 1u);
    EXPECT_EQ(wanted_, "");
    store_.heal();
    audit();
    EXPECT_TRUE(said("WARN").empty());
    EXPECT_EQ(held(), (Names{"0/2-2", "0/3-3", "0/4-4", "0/5-5", "9/1-1"}));
}

TEST_F(KeeperAudit, ADonorThatIsDamagedItselfIsNotCopied) {
    keepCopies();
    copies_.at(id(0, 3, 3))[120] ^= 1;
    store_.erase(key(id(0, 3, 3)));
    audit();
    EXPECT_GE(copied_, 1u);
    EXPECT_FALSE(std::ranges::count(there(), "0/3-3"));
    EXPECT_NE(wanted_, "");
    EXPECT_EQ(said("\"replica file lost\"").size(), 1u);
    EXPECT_FALSE(std::ranges::count(held(), "0/3-3"));
}

TEST_F(KeeperAudit, ASoundDonorWithOtherContentIsNotCopied) {
    keepCopies();
    store_.erase(key(id(0, 3, 3)));
    put(id(0, 3, 3), 1, {{1, 99}});
    copies_.at(id(0, 3, 3)) = content(id(0, 3, 3));
    store_.erase(key(id(0, 3, 3)));
    audit();
    EXPECT_FALSE(std::ranges::count(there(), "0/3-3"));
    EXPECT_EQ(said("\"replica file lost\"").size(), 1u);
}

TEST_F(KeeperAudit, ADonorThatCannotBeAskedNowIsAskedAgain) {
    keepCopies();
    auto sound = donors_;
    unsigned asked = 0;
    donors_ = [&](const replica::FileId& file, const HeldFile& known) {
        auto donors = sound(file, known);
        if (++asked < 3) donors.at(0).open = [](const CallContext&) -> ltx::ByteSource { throw Error(ErrorCode::Transient, "connection reset by peer"); };
        return donors;
    };
    store_.erase(key(id(0, 3, 3)));
    audit();
    EXPECT_EQ(content(id(0, 3, 3)), copies_.at(id(0, 3, 3)));
    EXPECT_EQ(wanted_, "");
    EXPECT_EQ(said("audit failed").size(), 1u) << "once, however often";
}

TEST_F(KeeperAudit, WithoutADonorTheDatabaseIsAskedUntilItAnswers) {
    seeds_ = false;
    store_.erase(key(id(0, 3, 3)));
    audit();
    EXPECT_NE(wanted_.find("0000000000000003-0000000000000003.ltx: missing"), std::string::npos) << wanted_;
    EXPECT_TRUE(std::ranges::count(held(), "0/3-3"));
    seeds_ = true;
    wanted_.clear();
    until(std::chrono::duration_cast<std::chrono::seconds>(now_ - kStart) + 6min);
    EXPECT_NE(wanted_, "");
    EXPECT_FALSE(std::ranges::count(held(), "0/3-3"));
    EXPECT_EQ(said("\"replica file lost\"").size(), 1u);
}

TEST_F(KeeperAudit, AProofDoesNotOutliveAFileThatIsLost) {
    store(put(id(9, 1, 5), 1, {{1, 5}}));
    store(put(id(0, 6, 6), 1, {{1, 6}}));
    seeds_ = false;  // a snapshot is there already
    store_.erase(key(id(0, 3, 3)));
    audit();
    EXPECT_EQ(wanted_, "");
    EXPECT_FALSE(std::ranges::count(held(), "0/3-3"));
    EXPECT_EQ(said("\"replica file lost\"").size(), 1u);
}

TEST_F(KeeperAudit, AFileWhoseContentOthersHoldIsForgotten) {
    store(put(id(1, 2, 4), 1, {{1, 4}}));
    store_.erase(key(id(0, 3, 3)));
    const auto puts = store_.requests()["PUT"];
    audit();
    EXPECT_EQ(store_.requests()["PUT"], puts);
    EXPECT_EQ(wanted_, "");
    EXPECT_EQ(said("\"replica file gone\"").size(), 1u);
    EXPECT_FALSE(std::ranges::count(held(), "0/3-3"));
}

TEST_F(KeeperAudit, WithoutAnyFileOfLevelZeroAnAnchorIsAskedFor) {
    store(put(id(9, 1, 5), 1, {{1, 5}}));
    for (std::uint64_t txid = 2; txid <= 5; ++txid) store_.erase(key(id(0, txid, txid)));
    audit();
    EXPECT_TRUE(anchors_);
    EXPECT_EQ(wanted_, "");
}

TEST_F(KeeperAudit, AnUnknownObjectIsNamedOnceAndLeftAlone) {
    put(id(1, 2, 9), 1, {{1, 9}});                                  // sound, but of whom?
    store_.insert("0000/0000000000000004-0000000000000009.ltx", "not an LTX file", {});
    store_.insert("0000/notes.txt", "somebody's", {});
    audit();
    audit();
    const auto lines = said("\"unknown object in the replica\"");
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_NE(lines[0].find("0000/0000000000000004-0000000000000009.ltx size=15"), std::string::npos) << lines[0];
    EXPECT_NE(lines[1].find("0001/0000000000000002-0000000000000009.ltx"), std::string::npos) << lines[1];
    EXPECT_NE(lines[1].find("sound, and not ours"), std::string::npos) << lines[1];
    EXPECT_EQ(store_.keys().size(), 8u);
    EXPECT_FALSE(std::ranges::count(held(), "1/2-9"));
    EXPECT_EQ(conflict_, "");
}

TEST_F(KeeperAudit, WhatTheUploaderStoresMeanwhileIsNoFinding) {
    // One of them is reported while the listing is on its way, the other one later.
    now_ += 1h;
    turn();
    ASSERT_EQ(background_.size(), 1u);
    const auto reported = put(id(0, 6, 6), 1, {{1, 6}});
    put(id(0, 7, 7), 1, {{1, 7}});
    underway_ = id(0, 7, 7);
    const auto listing = std::move(background_.front());
    background_.pop_front();
    keeper_->stored(reported, {});
    listing();
    settle();
    EXPECT_EQ(store_.requests()["GET"], gets_);
    EXPECT_TRUE(said("WARN").empty());
}

TEST_F(KeeperAudit, OurOwnUploadOfWhichNothingWasHeardIsTakenUp) {
    put(id(0, 6, 6), 1, {{1, 6}});
    audit();
    EXPECT_TRUE(std::ranges::count(held(), "0/6-6"));
    EXPECT_EQ(keeper_->inventory().find(id(0, 6, 6))->evidence.fileChecksum, checksumOf(keeper_->inventory().find(id(0, 6, 6))->info));
    EXPECT_TRUE(said("WARN").empty());
}

TEST_F(KeeperAudit, AnotherWritersFileBehindOursStopsTheReplica) {
    lineage_ = 78;
    put(id(0, 6, 6), 1, {{1, 6}});
    audit();
    EXPECT_NE(conflict_.find("0000000000000006-0000000000000006.ltx is of another writer"), std::string::npos) << conflict_;
}

TEST_F(KeeperAudit, AnotherSoundFileInThePlaceOfOursStopsTheReplica) {
    keepCopies();
    audit();
    laterMillisecond();
    lineage_ = 78;  // so it was another writer who put this
    put(id(0, 3, 3), 1, {{1, 99}});
    const std::string theirs = content(id(0, 3, 3));
    audit();
    EXPECT_NE(conflict_.find("0000000000000003-0000000000000003.ltx is of another writer"), std::string::npos) << conflict_;
    EXPECT_EQ(content(id(0, 3, 3)), theirs);
}

TEST_F(KeeperAudit, AnotherSoundFileOfOurLineageIsDamage) {
    keepCopies();
    audit();
    laterMillisecond();
    put(id(0, 3, 3), 1, {{1, 99}});
    audit();
    EXPECT_EQ(conflict_, "");
    EXPECT_EQ(content(id(0, 3, 3)), copies_.at(id(0, 3, 3)));
    EXPECT_EQ(said("\"replica file mended\"").size(), 1u);
}

TEST_F(KeeperAudit, WhatHappenedWhileWeWereAwayIsSeenToAtTheStart) {
    keepCopies();
    store_.erase(key(id(0, 3, 3)));
    content(id(0, 4, 4)).resize(60);
    put(id(0, 6, 6), 1, {{1, 6}});  // ours, from a crash before it was written down
    const auto lists = store_.requests()["LIST"];
    restart();
    turn();
    settle();
    EXPECT_EQ(store_.requests()["LIST"], lists + 1);
    for (const auto& [file, bytes] : copies_) EXPECT_EQ(content(file), bytes) << text(file);
    EXPECT_EQ(held(), (Names{"0/2-2", "0/3-3", "0/4-4", "0/5-5", "0/6-6", "9/1-1"}));
    EXPECT_EQ(said("\"replica file mended\"").size(), 2u);
    restart();
    turn();
    settle();
    EXPECT_TRUE(said("WARN").empty());
}

TEST_F(KeeperAudit, AMergeThatWasNotWrittenDownIsOurs) {
    settings_.levels = {1s};
    restart();
    turn();
    now_ += 1min;
    turn();
    ASSERT_EQ(background_.size(), 1u);
    put(id(1, 2, 5), 1, {{1, 5}});  // what that job stores before it dies
    background_.clear();
    restart();
    turn();
    settle();
    EXPECT_TRUE(std::ranges::count(held(), "1/2-5"));
    EXPECT_TRUE(said("WARN").empty());
}

TEST_F(KeeperAudit, WhatAnotherProgramMergedTakesThePlaceOfWhatItDeleted) {
    put(id(1, 2, 4), 1, {{1, 4}});
    for (std::uint64_t txid = 2; txid <= 4; ++txid) store_.erase(key(id(0, txid, txid)));
    restart();
    turn();
    settle();
    EXPECT_EQ(held(), (Names{"0/5-5", "1/2-4", "9/1-1"}));
    EXPECT_EQ(wanted_, "");
    EXPECT_TRUE(said("ERROR").empty());
}

TEST_F(KeeperAudit, ADeletionThatWasInterruptedIsNoLoss) {
    settings_.levels = {1s};
    settings_.levelZeroRetention = 5min;
    settings_.auditInterval = 0s;
    restart();
    turn();
    until(4min);
    ASSERT_TRUE(std::ranges::count(held(), "1/2-5"));
    now_ = kStart + 1h;
    turn();
    ASSERT_EQ(background_.size(), 1u);
    background_.clear();  // killed: one file is deleted, the others are not
    store_.erase(key(id(0, 2, 2)));
    restart();
    turn();
    EXPECT_TRUE(said("WARN").empty());
    EXPECT_FALSE(std::ranges::count(held(), "0/2-2"));
    EXPECT_TRUE(std::ranges::count(held(), "0/3-3"));
    settle();
    EXPECT_FALSE(std::ranges::count(there(), "0/3-3"));
}

}  // namespace
}  // namespace litestream::levels::test
