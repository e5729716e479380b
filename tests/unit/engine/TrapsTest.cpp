#include "Traps.h"

#include <atomic>
#include <future>
#include <random>

/// Traps of levels, stores, stops and clocks.
namespace litestream::engine::test {
namespace {

/// A wall clock that shows what it is told.
class SetClock final : public WallClock {
public:
    Timestamp now() const override { return {shown.load()}; }
    std::atomic<std::int64_t> shown{1'700'000'000'000};
};
TEST_F(Traps, T55_NothingWaitsForAStoreThatHangs) {
    limits_.workers = 1;
    start();
    sync();
    const unsigned before = store_.requests()["PUT"];
    store_.stall({"PUT"});
    commit();
    EXPECT_TRUE(store_.waitForRequests("PUT", before + 1));
    commit();
    auto asked = std::async(std::launch::async, [&] { return status(); });
    const bool answered = asked.wait_for(60s) == std::future_status::ready;
    store_.stall({});
    EXPECT_TRUE(answered) << "the state can be asked for while a request hangs";
    sync();
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 2);
}

TEST_F(Traps, T56_ABacklogAtTheStoreDoesNotHoldTheLog) {
    limits_.cutBytes = 1u << 20;
    run("PRAGMA wal_autocheckpoint = 0");
    start();
    sync();
    store_.stall({"PUT"});
    for (int i = 0; i < 40; ++i) run("INSERT INTO t VALUES(randomblob(500000))");  // more than what may wait in memory
    // Everything is captured and nothing has arrived: the log can go.
    await("the log to be given free", [&] {
        int frames = -1;
        int copied = -1;
        return sqlite3_wal_checkpoint_v2(database_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, &frames, &copied) == SQLITE_OK;
    });
    EXPECT_EQ(fs::file_size(path().string() + "-wal"), 0u);
    store_.stall({});
    sync();
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 40);
}

TEST_F(Traps, T57_ABacklogIsWorkedOffInPiecesWithoutWaitingForAnything) {
    run("PRAGMA wal_autocheckpoint = 0");
    start();
    sync();
    EXPECT_TRUE(stop());
    const std::size_t before = store_.keys().size();
    for (int i = 0; i < 100; ++i) run("INSERT INTO t VALUES(randomblob(100000))");
    limits_.cutBytes = 256u << 10;
    start();
    await("the whole backlog", [&] { return status().replicas.at(0).acknowledged.value >= 25; });
    await("its end", [&] { return restoredRows() == 100; });
    EXPECT_EQ(status().reconciles, 0u);
    EXPECT_TRUE(stop());
    EXPECT_GE(store_.keys().size() - before, 25u);
    for (const auto& key : keysOf('0')) EXPECT_LE(store_.content(key).size(), limits_.cutBytes + 200'000) << key;
}

TEST_F(Traps, T59_AHoleIsBridgedWhereOnlyTheListingShowsIt) {
    // Neither what was written down nor a merge or an audit finds it first.
    const levels::Settings bare{.levels = {}, .snapshotInterval = 0s, .auditInterval = 0s};
    start(bare);
    for (int i = 0; i < 4; ++i) {
        commit();
        sync();
    }
    EXPECT_TRUE(stop());
    const auto keys = keysOf('0');
    store_.erase(keys[keys.size() - 2]);
    for (const auto& entry : fs::directory_iterator(meta())) {
        if (entry.path().filename().string().starts_with("inventory-")) fs::remove(entry);
    }
    start(bare);
    commit();
    sync();
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 5);
}

TEST_F(Traps, T24_AStopRightAfterTheDatabaseWasReplacedSendsTheNewOne) {
    start();
    commit();
    sync();
    sqlite3_close(database_);
    for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(path().string() + suffix);
    ASSERT_EQ(sqlite3_open(path().c_str(), &database_), SQLITE_OK);
    run("PRAGMA journal_mode = WAL");
    run("CREATE TABLE t(x)");
    for (int i = 0; i < 5; ++i) commit();
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 5);
}

TEST_F(Traps, T63_EveryInstantIsTheSameWhenAllIsCompacted) {
    const auto clock = std::make_shared<SetClock>();
    clock_ = clock;
    start({.levels = {1ms, 1s}, .snapshotInterval = 0s, .levelZeroRetention = 1ms, .checkInterval = 1ms});
    sync();
    const std::int64_t begin = clock->shown;
    constexpr std::int64_t kCommits = 12;
    for (std::int64_t i = 1; i <= kCommits; ++i) {
        clock->shown = begin + i * 1000;
        commit();
        sync();
        const std::string end = ltx::format(status().txid);
        await("a file of level 1", [&] {
            const auto keys = keysOf('1');
            return !keys.empty() && keys.back().ends_with(end + ".ltx");
        });
    }
    clock->shown = begin + 3'600'000;
    const auto files = keysOf('1').size();
    await("level 2", [&] { return !keysOf('2').empty() && keysOf('0').size() == 1; });
    EXPECT_TRUE(stop());
    EXPECT_EQ(keysOf('1').size(), files);
    for (std::int64_t i = 1; i <= kCommits; ++i) {
        EXPECT_EQ(restoredRows({std::nullopt, Timestamp{begin + i * 1000 + 1}}), i);
        EXPECT_EQ(restoredRows({std::nullopt, Timestamp{begin + i * 1000 + 999}}), i);
    }
}

/// Stops in one state after another, each with a store that has begun to hang, and finds everything there afterwards.
class T76 : public Traps {
protected:
    void stopHanging(const char* state, bool complete) {
        const auto begin = std::chrono::steady_clock::now();
        EXPECT_EQ(stop(100ms), complete) << state;
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        std::printf("%s: stopped %.3f s after it was asked to, with 0.1 s of patience\n", state, took.count());
        store_.stall({});
        start();
        sync();
        EXPECT_TRUE(stop()) << state;
    }
    /// Waits until a request with the operation hangs.
    void awaitHanging(const std::string& operation, unsigned before) { ASSERT_TRUE(store_.waitForRequests(operation, before + 1)) << operation; }
};

TEST_F(T76, T76_StopsInEveryStateAlthoughTheStoreHangs) {
    commit();
    store_.stall({"LIST"});
    start();
    awaitHanging("LIST", 0);
    stopHanging("surveying", false);
    EXPECT_EQ(restoredRows(), 1);

    for (const auto& key : store_.keys()) store_.erase(key);
    fs::remove_all(meta());
    store_.stall({"PUT"});
    unsigned before = store_.requests()["PUT"];
    start();
    awaitHanging("PUT", before);
    stopHanging("seeding", false);
    EXPECT_EQ(restoredRows(), 1);

    start();
    sync();
    store_.stall({"PUT"});
    before = store_.requests()["PUT"];
    commit();
    awaitHanging("PUT", before);
    stopHanging("uploading", false);
    EXPECT_EQ(restoredRows(), 2);

    run("PRAGMA wal_checkpoint(TRUNCATE)");
    commit();
    fs::remove(meta() / "pagesums");
    store_.stall({"PUT"});
    before = store_.requests()["PUT"];
    start();
    awaitHanging("PUT", before);
    EXPECT_EQ(status().reconciles, 1u);
    stopHanging("reconciled", false);
    EXPECT_EQ(restoredRows(), 3);
}

TEST_F(T76, T76_StopsWhileItCompactsAndDeletesAlthoughTheStoreHangs) {
    const levels::Settings quick{.levels = {1ms}, .levelZeroRetention = 1ms, .checkInterval = 1ms};
    start(quick);
    sync();
    store_.stall({"GET"});
    unsigned before = store_.requests()["GET"];
    commit();
    sync();
    awaitHanging("GET", before);
    stopHanging("compacting", true);

    start(quick);
    sync();
    store_.stall({"DELETE"});
    before = store_.requests()["DELETE"];
    for (int i = 0; i < 3; ++i) {
        commit();
        sync();
    }
    awaitHanging("DELETE", before);
    stopHanging("deleting", true);
    EXPECT_EQ(restoredRows(), 4);
}

TEST_F(Traps, T78_AReplicaIsWellOnlyWhenSomethingHasArrived) {
    const auto lines = linesOf("replica=memory", [&] {
        // It can be listed, and takes nothing.
        store_.fail([listed = 0u, this](const std::string& operation) mutable {
            if (operation == "LIST" && listed++ < limits_.retry.attempts) throw kReset;
            if (operation == "PUT") throw kDenied;
        });
        start();
        commit();
        ASSERT_TRUE(store_.waitForRequests("PUT", 4));
        await("the failure in the state", [&] { return !status().replicas.at(0).lastError.empty(); });
    });
    EXPECT_LT(status().replicas.at(0).acknowledged, status().txid);
    EXPECT_NE(status().replicas.at(0).lastError.find("access denied"), std::string::npos);
    // Whatever was said on the way, the last word is not that it is well.
    ASSERT_FALSE(lines.empty());
    EXPECT_NE(lines.back().find("monitor error"), std::string::npos) << lines.back();
    const auto healed = linesOf("replica=memory", [&] {
        store_.heal();
        sync();
    });
    ASSERT_FALSE(healed.empty());
    EXPECT_NE(healed.back().find("replica sync recovered"), std::string::npos) << healed.back();
    // One that follows is behind with the first commit that does not arrive.
    const auto behind = linesOf("replica=memory", [&] {
        store_.fail([](const std::string& operation) {
            if (operation == "PUT") throw kDenied;
        });
        commit();
        await("the next failure in the state", [&] { return !status().replicas.at(0).lastError.empty(); });
    });
    EXPECT_LT(status().replicas.at(0).acknowledged, status().txid);
    ASSERT_FALSE(behind.empty());
    EXPECT_NE(behind.back().find("monitor error"), std::string::npos) << behind.back();
    store_.heal();
    sync();
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 2);
}

TEST_F(Traps, T80_AWallClockThatJumpsLosesNothing) {
    const auto clock = std::make_shared<SetClock>();
    clock_ = clock;
    std::mt19937 random(std::random_device{}());
    std::int64_t rows = 0;
    for (unsigned life = 0; life < 3; ++life) {
        start({.levels = {1ms, 20ms}, .snapshotInterval = 50ms, .snapshotRetention = 1h, .levelZeroRetention = 1ms, .checkInterval = 1ms});
        for (int i = 0; i < 25 || keysOf('9').size() < life + 2; ++i) {
            clock->shown += std::uniform_int_distribution<std::int64_t>(-86'400'000, 86'400'000)(random);
            commit();
            sync();
            ++rows;
        }
        EXPECT_TRUE(stop());
        EXPECT_EQ(restoredRows(), rows);
    }
    // Snapshots stay for their time, whatever the clock on the wall says.
    EXPECT_GE(keysOf('9').size(), 4u);
    EXPECT_GT(store_.requests()["DELETE"], 0u);
    std::map<Txid, Timestamp> times;
    for (const auto& key : store_.keys()) {
        const auto header = decoder(key).header();
        const auto [known, first] = times.emplace(header.maxTxid, header.timestamp);
        EXPECT_TRUE(first || known->second == header.timestamp) << key;
    }
    Timestamp last{};
    for (const auto& [txid, time] : times) {
        EXPECT_GE(time, last) << "the time goes back at TXID " << ltx::format(txid);
        last = time;
    }
}

TEST_F(Traps, T84_EveryFileIsOneThatUpstreamCanMergeAgain) {
    start({.levels = {1ms, 20ms}, .snapshotInterval = 50ms});
    while (keysOf('2').empty() || keysOf('9').size() < 2) {
        commit();
        sync();
    }
    run("DELETE FROM t");
    run("VACUUM");
    sync();
    EXPECT_TRUE(stop());
    for (const auto& key : store_.keys()) {
        auto file = decoder(key);
        std::vector<std::byte> page(file.header().pageSize);
        while (file.next(page) != 0) {
        }
        EXPECT_EQ(file.header().flags & ltx::kFlagNoChecksum, ltx::kFlagNoChecksum) << key;
        EXPECT_EQ(file.header().preApplyChecksum, 0u) << key;
        EXPECT_EQ(file.trailer().postApplyChecksum, 0u) << key;
        EXPECT_GT(file.header().commit, 0u) << key;
    }
    EXPECT_EQ(restoredRows(), 0);
}

}  // namespace
}  // namespace litestream::engine::test
