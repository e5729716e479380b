#include "LiveEngine.h"

#include "ltx/Decoder.h"

#include <atomic>
#include <fstream>
#include <future>
#include <random>
#include <set>
#include <thread>

/// Traps beyond the database (docs/traps.md), with a whole engine and a store that fails.
namespace litestream::engine::test {
namespace {

namespace fs = std::filesystem;

const Error kReset(ErrorCode::Transient, "send request failed: put: connection reset by peer");
const Error kDenied(ErrorCode::Denied, "put: access denied");

/// A wall clock that shows what it is told.
class SetClock final : public WallClock {
public:
    Timestamp now() const override { return {shown.load()}; }
    std::atomic<std::int64_t> shown{1'700'000'000'000};
};

class Traps : public LiveEngine {
protected:
    std::set<fs::path> spooled() const {
        std::set<fs::path> files;
        std::error_code none;
        for (const auto& entry : fs::directory_iterator(meta() / "spool", none)) files.insert(entry.path());
        return files;
    }
    DatabaseStatus status() const { return engine_->status().at(0); }

    template <class Condition>
    static void await(const char* what, Condition condition) {
        for (const auto end = std::chrono::steady_clock::now() + 60s; !condition(); std::this_thread::sleep_for(1ms)) {
            if (std::chrono::steady_clock::now() > end) throw std::runtime_error(std::string("not within 60 s: ") + what);
        }
    }
    /// Every PUT fails, and `count` commits wait in the spool.
    void fillSpool(unsigned count) {
        store_.fail([](const std::string& operation) {
            if (operation == "PUT") throw kReset;
        });
        for (unsigned i = 0; i < count; ++i) {
            const auto before = spooled().size();
            commit();
            await("a file in the spool", [&] { return spooled().size() > before; });
        }
    }
    std::vector<std::string> keysOf(char level) const {
        std::vector<std::string> keys;
        for (const auto& key : store_.keys()) {
            if (key[3] == level) keys.push_back(key);
        }
        return keys;
    }
    ltx::Decoder decoder(const std::string& key) {
        const std::string& content = store_.content(key);
        auto source = [&content, at = std::size_t{0}](MutableBytes into) mutable {
            const std::size_t part = std::min(into.size(), content.size() - at);
            std::memcpy(into.data(), content.data() + at, part);
            at += part;
            return part;
        };
        return {source, codecs_, ltx::Decoder::Strictness::Verify};
    }

    const ltx::CodecSet codecs_ = registry_->codecs();
};

TEST_F(Traps, T46_TheSpoolHasALimit) {
    limits_.spoolBytes = 150'000;
    start();
    sync();
    store_.fail([](const std::string& operation) {
        if (operation == "PUT") throw kReset;
    });
    for (int i = 0; i < 2; ++i) {
        const Txid before = status().txid;
        run("INSERT INTO t VALUES(randomblob(100000))");
        await("the cut of a commit", [&] { return status().txid > before; });
    }
    std::uintmax_t bytes = 0;
    for (const auto& file : spooled()) bytes += fs::file_size(file);
    EXPECT_LE(bytes, limits_.spoolBytes);
    store_.heal();
    sync();
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 2);
}

TEST_F(Traps, T47_AFileOfTheSpoolGoesWhenTheReplicaHasIt) {
    start();
    sync();
    fillSpool(2);
    store_.heal();
    sync();
    EXPECT_EQ(spooled(), std::set<fs::path>{});
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 2);
}

TEST_F(Traps, T48_ThePositionDoesNotLieInTheSpool) {
    start();
    commit();
    sync();
    fs::remove_all(meta() / "spool");
    commit();
    sync();
    EXPECT_EQ(status().reconciles, 0u);
    EXPECT_TRUE(stop());
    fs::remove_all(meta() / "spool");
    commit();  // while nobody looks
    start();
    sync();
    EXPECT_EQ(status().reconciles, 0u);
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 3);
}

TEST_F(Traps, T48_ALostJournalCostsOneComparison) {
    start();
    commit();
    sync();
    fs::remove(meta() / "position");
    commit();
    sync();
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 2);
    commit();
    start();
    sync();
    EXPECT_EQ(status().reconciles, 1u);
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 3);
}

TEST_F(Traps, T49_WhatHasNoRoomStaysInTheLog) {
    run("PRAGMA wal_autocheckpoint = 0");
    run("PRAGMA busy_timeout = 60000");  // a log as large as this one will be is recycled under the write lock
    limits_.memoryBytes = 64u << 20;
    start();
    sync();
    // There can be no spool as long as this is in its place.
    std::ofstream(meta() / "spool").close();
    store_.fail([](const std::string& operation) {
        if (operation == "PUT") throw kReset;
    });
    const auto lines = linesOf("cannot spool unsent data", [&] {
        commit();
        await("the failure in the state", [&] { return !status().replicas.at(0).lastError.empty(); });
        const Txid before = status().txid;
        commit();
        await("the cut of a commit", [&] { return status().txid > before; });
    });
    EXPECT_FALSE(lines.empty());
    // More than there is memory for.
    for (int i = 0; i < 98; ++i) run("INSERT INTO t VALUES(randomblob(1000000))");
    EXPECT_ANY_THROW(engine_->sync(path(), CallContext::within(2s)));
    // Room is enough for it to go on.
    fs::remove(meta() / "spool");
    await("the log to be given free", [&] {
        return sqlite3_wal_checkpoint_v2(database_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr) == SQLITE_OK;
    });
    store_.heal();
    sync();
    EXPECT_EQ(status().reconciles, 0u);
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 100);
}

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

TEST_F(Traps, T60_ASpoolFileThatVanishesWhileItWaitsIsBridged) {
    start();
    sync();
    fillSpool(2);
    for (const auto& file : spooled()) fs::remove(file);
    store_.heal();
    commit();
    sync();
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 3);
}

TEST_F(Traps, T60_ASpoolFileThatLosesItsEndIsNotSent) {
    start();
    sync();
    fillSpool(2);
    for (const auto& file : spooled()) fs::resize_file(file, fs::file_size(file) / 2);
    store_.heal();
    commit();
    sync();
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 3);
}

/// What somebody may do to one of three files of the spool, oldest first, while nobody looks.
struct Harm {
    const char* name;
    std::function<void(const std::vector<fs::path>& files)> happens;
};

const Harm kHarms[] = {
    {"all are gone", [](const auto& files) { for (const auto& file : files) fs::remove(file); }},
    {"the first one is gone", [](const auto& files) { fs::remove(files[0]); }},
    {"one in the middle is gone", [](const auto& files) { fs::remove(files[1]); }},
    {"the last one is gone", [](const auto& files) { fs::remove(files[2]); }},
    {"one has lost its end", [](const auto& files) { fs::resize_file(files[1], fs::file_size(files[1]) / 2); }},
    {"one is another sound file", [](const auto& files) { fs::copy_file(files[0], files[1], fs::copy_options::overwrite_existing); }},
};

TEST_F(Traps, T60_SpoolFilesThatAreHarmedBetweenTwoRuns) {
    std::int64_t rows = 0;
    for (const bool logIsGone : {false, true}) {
        for (const Harm& harm : kHarms) {
            SCOPED_TRACE(harm.name);
            start();
            sync();
            fillSpool(3);
            rows += 3;
            EXPECT_FALSE(stop(1ms));
            const auto files = spooled();
            ASSERT_GE(files.size(), 3u);
            harm.happens({files.begin(), files.end()});
            if (logIsGone) run("PRAGMA wal_checkpoint(TRUNCATE)");
            store_.heal();
            start();
            sync();
            EXPECT_TRUE(stop());
            EXPECT_EQ(restoredRows(), rows);
        }
    }
}

TEST_F(Traps, T60_ASpoolThatEndsBeforeAnotherReplicaDoesIsBridged) {
    MemoryStore second;
    start({}, std::nullopt, &second);
    sync();
    fillSpool(3);
    await("the other replica", [&] { return status().replicas.at(1).acknowledged == status().txid; });
    EXPECT_FALSE(stop(1ms));
    fs::remove(*spooled().rbegin());
    store_.heal();
    start({}, std::nullopt, &second);
    sync();
    commit();
    sync();
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 4);
}

TEST_F(Traps, T61_AStoreThatFailsIsNoReasonToGiveTheSpoolUp) {
    start();
    sync();
    fillSpool(2);
    const auto files = spooled();
    const unsigned before = store_.requests()["PUT"];
    EXPECT_TRUE(store_.waitForRequests("PUT", before + 1));
    store_.heal();
    sync();
    EXPECT_TRUE(stop());
    const auto keys = keysOf('0');
    for (const auto& file : files) {
        const std::string txid = file.stem().string();
        EXPECT_EQ(std::count(keys.begin(), keys.end(), "0000/" + txid + "-" + txid + ".ltx"), 1) << txid;
    }
    EXPECT_EQ(keysOf('9').size(), 1u) << "nothing had to be bridged";
    EXPECT_EQ(restoredRows(), 2);
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

/// Two machines go on from the same database with the same local state: what one has sent, the other has not seen.
class T68 : public Traps {
protected:
    void save(const std::string& name) {
        run("PRAGMA wal_checkpoint(TRUNCATE)");
        fs::create_directory(directory_ / name);
        fs::copy_file(path(), directory_ / name / "app.db");
        fs::copy(meta(), directory_ / name / "meta", fs::copy_options::recursive);
    }
    void load(const std::string& name) {
        ASSERT_EQ(sqlite3_close(database_), SQLITE_OK);
        for (const char* suffix : {"-wal", "-shm"}) fs::remove(path().string() + suffix);
        fs::copy_file(directory_ / name / "app.db", path(), fs::copy_options::overwrite_existing);
        fs::remove_all(meta());
        fs::copy(directory_ / name / "meta", meta(), fs::copy_options::recursive);
        ASSERT_EQ(sqlite3_open(path().c_str(), &database_), SQLITE_OK);
    }
    /// Each with as many commits of its own.
    void part(unsigned sent, unsigned unsent) {
        run("CREATE TABLE other(x)");
        start();
        sync();
        EXPECT_TRUE(stop());
        save("begin");
        start();
        sync();
        fillSpool(unsent);
        const auto before = spooled().size();
        run("INSERT INTO other VALUES('here')");
        await("a file in the spool", [&] { return spooled().size() > before; });
        EXPECT_FALSE(stop(1ms));
        save("end");
        store_.heal();
        load("begin");
        start();
        for (unsigned i = 0; i < sent; ++i) {
            commit();
            sync();
        }
        EXPECT_TRUE(stop());
        EXPECT_EQ(restoredRows(), sent);
        load("end");
        start();
        sync();
        EXPECT_TRUE(stop());
        for (const char* sql : {"SELECT group_concat(hex(x)) FROM t", "SELECT x FROM other", "PRAGMA integrity_check"}) {
            EXPECT_EQ(ask(restored(), sql), ask(database_, sql)) << sql;
        }
    }
};

TEST_F(T68, T68_ACopyThatIsBehindItsReplicaIsShippedWhole) { part(6, 1); }

TEST_F(T68, T68_ACopyThatHasAnotherFileOfTheNewestTxidIsShippedWhole) { part(1, 1); }

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
