#include "Traps.h"

#include <fstream>

/// Traps of what lies beside the database: the spool, the journal, and who goes on with them.
namespace litestream::engine::test {
namespace {

TEST_F(Traps, T46_TheSpoolHasALimit) {
    limits_.spoolBytes = 150'000;
    start();
    sync();
    // The first failure comes before the second cut, or after it: then both wait in memory until then.
    for (const bool late : {false, true}) {
        SCOPED_TRACE(late);
        failPuts();
        if (late) store_.hold();
        for (int i = 0; i < 2; ++i) {
            runAndAwaitCut("INSERT INTO t VALUES(randomblob(100000))");
            if (!late) awaitFailure();
        }
        if (late) store_.letGo();
        awaitFailure();
        std::uintmax_t bytes = 0;
        for (const auto& file : spooled()) bytes += fs::file_size(file);
        EXPECT_LE(bytes, limits_.spoolBytes);
        store_.heal();
        sync();
    }
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 4);
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
    failPuts();
    const auto lines = linesOf("cannot spool unsent data", [&] {
        commit();
        awaitFailure();
        runAndAwaitCut("INSERT INTO t VALUES(randomblob(100))");
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

/// What a dead replica lacks fills the memory, so nothing more is cut: one pass ends nevertheless, and says why.
TEST_F(Traps, T49_OnePassEndsAlthoughThereIsNoRoomForWhatADeadReplicaLacks) {
    MemoryStore second;
    second.fail([](const std::string&) { throw kDenied; });
    commit();
    start({}, 1h, &second);
    std::ofstream(meta() / "spool").close();
    const auto pass = [&] { engine_->sync(path(), CallContext::within(60s)); };
    for (int i = 0; i < 20; ++i) {
        run("INSERT INTO t VALUES(randomblob(1000000))");
        EXPECT_EQ(failureOf(pass), "sync replica for " + path().string() + ": second: put: access denied");
    }
    EXPECT_FALSE(stop());
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
        // The first to open rebuilds the wal-index, and a writer without a busy timeout that opens in that moment is refused (SQLITE_BUSY_RECOVERY).
        run("SELECT count(*) FROM t");
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

}  // namespace
}  // namespace litestream::engine::test
