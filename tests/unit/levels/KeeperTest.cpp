#include "KeeperFixture.h"

#include "restore/Plan.h"

namespace litestream::levels::test {
namespace {

TEST_F(KeeperTest, AReplicaWithoutNewTransactionsCostsNothing) {
    settings_.auditInterval = 0s;
    restart({});
    store(put(id(9, 1, 1), 1, {{1, 1}}));
    store(put(id(0, 2, 2), 1, {}));
    until(48h);
    const auto requests = store_.requests();
    until(9999h);
    EXPECT_FALSE(at_);  // nobody has to wake for it
    EXPECT_EQ(store_.requests(), requests);
    EXPECT_EQ(store_.requests().count("LIST"), 0u);
    EXPECT_EQ(held(), (Names{"0/2-2", "1/2-2", "2/2-2", "3/2-2", "9/1-1", "9/1-2"}));
    EXPECT_EQ(there(), held());
}

TEST_F(KeeperTest, ManyTransactionsBecomeFewFiles) {
    store(put(id(9, 1, 1), 2, {{1, 1}, {2, 1}}));
    std::uint8_t byte = 0;
    for (std::uint64_t txid = 2; txid <= 400; ++txid) {
        store(put(id(0, txid, txid), 2, {{1 + txid % 2, ++byte}}));
        until(2s * (txid - 1));
    }
    EXPECT_LT(keeper_->inventory().level(0).size(), 200u);
    until(2h);
    EXPECT_EQ(keeper_->inventory().level(0).size(), 1u);
    EXPECT_EQ(texts(std::vector{keeper_->inventory().level(3).begin()->second.info}), Names{"3/2-400"});
    EXPECT_EQ(pagesOf(keeper_->inventory().level(3).begin()->second.info), (Pages{{1, 143}, {2, 142}}));
    EXPECT_EQ(there(), held());
    EXPECT_EQ(store_.requests().count("LIST"), 0u);
}

TEST_F(KeeperTest, LevelsThatAreAlwaysDueLeaveTheOthersTheirTurn) {
    settings_.levels = {1s};
    settings_.levelZeroRetention = settings_.checkInterval = 1s;
    settings_.validationInterval = 60s;
    settings_.auditInterval = 0s;
    restart({});
    ::testing::internal::CaptureStdout();
    store(put(id(9, 1, 1), 1, {{1, 1}}));
    for (std::uint64_t txid = 2; txid <= 400; ++txid) {
        store(put(id(0, txid, txid), 1, {{1, static_cast<std::uint8_t>(txid)}}));
        // Every job takes longer than the interval of the level: at its end the next merge is due.
        now_ += 2s;
        if (background_.empty()) continue;
        const auto job = std::move(background_.front());
        background_.pop_front();
        job();
    }
    EXPECT_LT(keeper_->inventory().level(0).size(), 10u);
    EXPECT_GT(keeper_->inventory().level(1).size(), 50u);
    EXPECT_FALSE(said("replica validated").empty());
    ::testing::internal::GetCapturedStdout();
}

TEST_F(KeeperTest, WithoutPermissionToDeleteEverythingElseGoesOn) {
    store_.keep([](const std::string&) { return true; });
    ::testing::internal::CaptureStdout();
    store(put(id(9, 1, 1), 1, {{1, 1}}));
    for (std::uint64_t txid = 2; txid <= 40; ++txid) {
        store(put(id(0, txid, txid), 1, {{1, static_cast<std::uint8_t>(txid)}}));
        until(60s * (txid - 1));
    }
    std::istringstream log(::testing::internal::GetCapturedStdout());
    unsigned said = 0;
    for (std::string line; std::getline(log, line);) said += line.find("access denied") != std::string::npos;
    EXPECT_EQ(said, 1u);
    EXPECT_EQ(keeper_->inventory().level(0).size(), 39u);
    EXPECT_GE(keeper_->inventory().level(1).size(), 30u);
    EXPECT_LT(store_.requests()["DELETE"], 12u);
    EXPECT_EQ(there(), held());
    // Somebody allows it.
    store_.keep({});
    until(3h);
    EXPECT_EQ(keeper_->inventory().level(0).size(), 1u);
    EXPECT_EQ(there(), held());
}

TEST_F(KeeperTest, T73_OnlyWhatWasConfirmedIsForgotten) {
    settings_.levels = {30s};  // no later merge has it look again
    restart({});
    store_.keep([this](const std::string& name) { return name == key(id(0, 3, 3)); });
    store(put(id(9, 1, 1), 1, {{1, 1}}));
    for (std::uint64_t txid = 2; txid <= 5; ++txid) store(put(id(0, txid, txid), 1, {{1, 5}}));
    until(6min);
    EXPECT_EQ(texts(std::vector{keeper_->inventory().level(0).begin()->second.info}), Names{"0/3-3"});
    EXPECT_EQ(there(), held());
    store_.keep({});
    until(7min);
    EXPECT_EQ(keeper_->inventory().level(0).size(), 1u);
    EXPECT_EQ(there(), held());
}

TEST_F(KeeperTest, RetentionThatIsAskedForGoesToItsEnd) {
    // More than one request deletes, and nobody calls turn().
    constexpr std::uint64_t kEnd = 2100;
    turns_ = false;
    const auto keep = [&](const replica::FileInfo& file) { keeper_->stored(file, {}); };
    keep(put(id(9, 1, 1), 1, {{1, 1}}));
    for (std::uint64_t txid = 2; txid <= kEnd + 1; ++txid) keep(put(id(0, txid, txid), 1, {}));
    keep(put(id(9, 1, kEnd), 1, {{1, 1}}));
    keep(put(id(9, 1, kEnd + 1), 1, {{1, 1}}));
    now_ += 48h;
    const auto enforce = [&] {
        while (!keeper_->enforceRetention()) {
            const auto job = std::move(background_.front());
            background_.pop_front();
            job();
        }
    };
    store_.keep([this](const std::string& name) { return name == key(id(0, 7, 7)); });
    EXPECT_THROW(enforce(), Error);
    EXPECT_EQ(there(), held());
    store_.keep({});
    enforce();
    EXPECT_EQ(held(), (Names{"0/2101-2101", "9/1-2100", "9/1-2101"}));
    EXPECT_EQ(there(), held());
    EXPECT_EQ(store_.requests().count("LIST"), 0u);
    const auto requests = store_.requests();
    enforce();
    EXPECT_EQ(store_.requests(), requests);
}

TEST_F(KeeperTest, ADamagedFileIsBridgedAndTheLevelsGoOnBehindIt) {
    store(put(id(9, 1, 1), 1, {{1, 1}}));
    for (std::uint64_t txid = 2; txid <= 4; ++txid) store(put(id(0, txid, txid), 1, {{1, 5}}));
    store_.content(key(id(0, 3, 3)))[120] ^= 1;
    seeds_ = false;
    until(31s);
    EXPECT_NE(wanted_.find("0000000000000003"), std::string::npos) << wanted_;
    EXPECT_EQ(keeper_->inventory().level(0).size(), 3u);  // the database cannot be asked now: asked again later
    wanted_.clear();
    seeds_ = true;
    until(5min);
    EXPECT_NE(wanted_, "");
    wanted_.clear();
    store(put(id(9, 1, 4), 1, {{1, 5}}));
    store(put(id(0, 5, 5), 1, {}));
    until(10min);
    EXPECT_EQ(wanted_, "");
    EXPECT_EQ(texts(keeper_->inventory().all()), (Names{"0/5-5", "1/2-2", "1/4-4", "1/5-5", "2/2-2", "2/4-4", "2/5-5", "3/2-2", "9/1-1", "9/1-4"}));
    // It stays where it is: whatever it is worth, nobody asked us to delete it.
    EXPECT_TRUE(std::ranges::count(there(), "0/3-3"));
}

TEST_F(KeeperTest, ADamagedMergeIsMadeAnewInItsPlace) {
    store(put(id(9, 1, 1), 1, {{1, 1}}));
    for (std::uint64_t txid = 2; txid <= 4; ++txid) store(put(id(0, txid, txid), 1, {{1, 5}}));
    until(31s);
    ASSERT_TRUE(std::ranges::count(held(), "1/2-4"));
    const std::string before = store_.content(key(id(1, 2, 4)));
    store_.content(key(id(1, 2, 4)))[120] ^= 1;
    until(10min);
    EXPECT_EQ(conflict_, "");
    EXPECT_NE(wanted_, "") << "until then nobody can restore through it";
    EXPECT_EQ(store_.content(key(id(1, 2, 4))), before);
    EXPECT_TRUE(std::ranges::count(held(), "2/2-4"));
}

TEST_F(KeeperTest, AnotherWriterIsReported) {
    store(put(id(9, 1, 1), 1, {{1, 1}}));
    store(put(id(0, 2, 2), 1, {{1, 2}}));
    put(id(1, 2, 2), 1, {{1, 9}});
    until(30s);
    EXPECT_NE(conflict_.find("0000000000000002-0000000000000002"), std::string::npos) << conflict_;
}

TEST_F(KeeperTest, T69_NothingIsDeletedForAFileThatIsDamaged) {
    settings_.levels = {30s};  // no merge reads the file before retention relies on it
    // An earlier process compacted; what it wrote has suffered since.
    const std::vector<replica::FileInfo> listing{put(id(9, 1, 1), 1, {{1, 1}}), put(id(0, 2, 2), 1, {{1, 2}}), put(id(0, 3, 3), 1, {{1, 3}}),
                                                 put(id(0, 4, 4), 1, {{1, 4}}), put(id(1, 2, 3), 1, {{1, 3}})};
    store_.content(key(id(1, 2, 3)))[120] ^= 1;
    restart(listing);
    turn();
    seeds_ = false;
    until(1h);
    EXPECT_EQ(store_.requests()["DELETE"], 0u);
    EXPECT_NE(wanted_.find("0000000000000003"), std::string::npos) << wanted_;
    // The same with a sound file.
    put(id(1, 2, 3), 1, {{1, 3}});
    restart(listing);
    turn();
    until(2h);
    EXPECT_GT(store_.requests()["DELETE"], 0u);
    EXPECT_EQ(keeper_->inventory().level(0).size(), 1u);
}

TEST_F(KeeperTest, AStoreThatIsAwayIsTriedAgainMoreAndMoreRarely) {
    store(put(id(9, 1, 1), 1, {{1, 1}}));
    store(put(id(0, 2, 2), 1, {{1, 2}}));
    store_.fail([](const std::string&) { throw Error(ErrorCode::Transient, "connection reset by peer"); });
    until(1h + 30s);
    EXPECT_LT(store_.requests()["GET"], 25u);
    EXPECT_GT(store_.requests()["GET"], 10u);
    store_.heal();
    until(2h);
    EXPECT_EQ(keeper_->inventory().reach(1), Txid{2});
}

TEST_F(KeeperTest, T69_RetentionAtEveryStepOfAStart) {
    // It dies at one request after another, and its successor knows what a listing tells.
    settings_ = {.levels = {5s, 15s}, .snapshotInterval = 20s, .snapshotRetention = 20s, .levelZeroRetention = 4s, .checkInterval = 1s};
    constexpr std::uint64_t kTransactions = 90;
    const auto newest = [&](std::uint64_t txid) {
        const auto plan = restore::plan(replicas_->listAll({}), {});
        EXPECT_EQ(plan.back().id.range.max.value, txid);
        Pages pages;
        for (const auto& file : plan) {
            for (const auto& [number, byte] : pagesOf(file)) pages[number] = byte;
        }
        EXPECT_EQ(pages, (Pages{{1, static_cast<std::uint8_t>(txid)}}));
    };
    const auto arrive = [&](const replica::FileInfo& file) {
        keeper_->stored(file, {});
        turn();
    };
    unsigned deaths = 0;
    bool died = true;
    for (unsigned step = 1; died; step += 7) {
        died = false;
        for (const auto& name : store_.keys()) store_.erase(name);
        background_.clear();
        now_ = kStart;
        restart({});
        unsigned requests = 0;
        store_.fail([&](const std::string&) {
            died = died || ++requests == step;
            if (died) throw Error(ErrorCode::Transient, "the process is gone");
        });
        arrive(put(id(9, 1, 1), 1, {{1, 1}}));
        for (std::uint64_t txid = 2; txid <= kTransactions; ++txid) {
            until(1s * txid);
            arrive(put(id(0, txid, txid), 1, {{1, static_cast<std::uint8_t>(txid)}}));
            if (!died || requests == 0) continue;
            requests = 0;
            store_.heal();
            keeper_->cancel();
            background_.clear();
            newest(txid);
            restart(replicas_->listAll({}));
            turn();
            ++deaths;
        }
        store_.heal();
        newest(kTransactions);
        ASSERT_FALSE(HasFailure()) << "killed at request " << step;
        EXPECT_GT(store_.requests()["DELETE"], 0u);
    }
    EXPECT_GT(deaths, 20u);
}

TEST_F(KeeperTest, EndsWithoutAWordWhenItIsCancelled) {
    store(put(id(9, 1, 1), 1, {{1, 1}}));
    store(put(id(0, 2, 2), 1, {{1, 2}}));
    now_ = kStart + 30s;
    turn();
    ASSERT_EQ(background_.size(), 1u);
    keeper_->cancel();
    background_.front()();
    EXPECT_EQ(there(), (Names{"0/2-2", "9/1-1"}));
}

}  // namespace
}  // namespace litestream::levels::test
