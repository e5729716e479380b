#include "engine/Engine.h"

#include "support/MemoryStore.h"
#include "support/TemporaryDirectory.h"
#include "restore/Restore.h"
#include "restore/Times.h"
#include "util/Log.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <sstream>
#include <thread>

namespace litestream::engine {
namespace {

using litestream::test::BorrowedStore;
using litestream::test::MemoryStore;
using litestream::test::TemporaryDirectory;

using namespace std::chrono_literals;
using Counts = std::map<std::string, unsigned>;

/// A whole engine with a real database, real plugins, and a store that counts and fails.
class Requests : public ::testing::Test {
protected:
    Requests() {
        // Waits that no test notices; the rules of waiting have tests of their own.
        limits_.retry.first = limits_.retry.firstThrottled = limits_.retry.again = limits_.retry.patient = limits_.retry.againRoom = 1ms;
        EXPECT_EQ(sqlite3_open(path().c_str(), &database_), SQLITE_OK);
        run("PRAGMA journal_mode = WAL");
        run("CREATE TABLE t(x)");
    }
    ~Requests() override {
        engine_.reset();
        sqlite3_close(database_);
        log::configure({});
    }

    std::filesystem::path path() const { return directory_ / "app.db"; }
    void run(const std::string& sql) { ASSERT_EQ(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sql; }
    void commit() { run("INSERT INTO t VALUES(randomblob(100))"); }

    void start(const levels::Settings& settings = {}) {
        DatabaseOptions options;
        options.path = path();
        OptionValues store;
        store.set("store", std::to_string(reinterpret_cast<std::uintptr_t>(static_cast<Transport*>(&store_))));
        options.replicas.push_back({"memory", "bridge", store, settings});
        engine_ = std::make_unique<Engine>(*registry_, limits_);
        engine_->add(options);
    }
    /// Waits until everything that is committed is in the store.
    void sync() { ASSERT_NO_THROW(engine_->sync(path(), CallContext::within(60s))); }
    bool stop(std::chrono::nanoseconds patience = 60s) { return engine_->stop(patience).complete; }

    /// The lines that `action` left in the log and that contain `text`.
    template <class Action>
    std::vector<std::string> linesOf(const std::string& text, Action action) {
        ::testing::internal::CaptureStdout();
        action();
        std::istringstream all(::testing::internal::GetCapturedStdout());
        std::vector<std::string> lines;
        for (std::string line; std::getline(all, line);) {
            if (line.find(text) != std::string::npos) lines.push_back(line);
        }
        return lines;
    }

    /// Throws `error` for the next `count` requests of a kind.
    static auto next(unsigned count, const std::string& kind, const Error& error) {
        return [=, left = count](const std::string& operation) mutable {
            if (operation != kind || left == 0) return;
            --left;
            throw error;
        };
    }

    std::int64_t restoredRows() {
        replica::ReplicaStore store(std::make_unique<BorrowedStore>(store_));
        restore::Options options;
        options.output = directory_ / "restored.db";
        restore::restore(store, restore::plan(store.listAll({}), {}), registry_->codecs(), options);
        sqlite3* restored = nullptr;
        sqlite3_stmt* statement = nullptr;
        EXPECT_EQ(sqlite3_open(options.output.c_str(), &restored), SQLITE_OK);
        EXPECT_EQ(sqlite3_prepare_v2(restored, "SELECT count(*) FROM t", -1, &statement, nullptr), SQLITE_OK);
        EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
        const auto rows = sqlite3_column_int64(statement, 0);
        sqlite3_finalize(statement);
        sqlite3_close(restored);
        return rows;
    }

    TemporaryDirectory directory_;
    std::unique_ptr<plugin::Registry> registry_ = plugin::Registry::load({LITESTREAM_BIN "/plugins", LITESTREAM_ENGINE_PLUGINS});
    MemoryStore store_;
    Limits limits_;
    sqlite3* database_ = nullptr;
    std::unique_ptr<Engine> engine_;
};

const Error kReset(ErrorCode::Transient, "send request failed: put: connection reset by peer");
const Error kDenied(ErrorCode::Denied, "put: access denied");

TEST_F(Requests, ANewReplicaIsOneListingASnapshotAndAnAnchor) {
    start();
    ASSERT_TRUE(store_.waitForRequests("PUT", 2));
    EXPECT_TRUE(stop());
    EXPECT_EQ(store_.requests(), (Counts{{"LIST", 1}, {"PUT", 2}}));
}

TEST_F(Requests, LevelsAndRetentionListNothingAndKeepWhatIsRestored) {
    start({.levels = {1ms, 20ms}, .snapshotInterval = 50ms, .snapshotRetention = 100ms, .levelZeroRetention = 1ms, .checkInterval = 1ms});
    std::int64_t rows = 0;
    const auto snapshots = [&] {
        const auto keys = store_.keys();
        return std::count_if(keys.begin(), keys.end(), [](const auto& key) { return key.starts_with("0009/"); });
    };
    // The first snapshot is of the database, the next ones are of the levels.
    while (store_.requests()["DELETE"] < 20 || snapshots() < 2) {
        commit();
        sync();
        ++rows;
    }
    EXPECT_TRUE(stop());
    EXPECT_EQ(store_.requests()["LIST"], 1u);
    EXPECT_EQ(restoredRows(), rows);
    std::map<char, int> levels;
    for (const auto& key : store_.keys()) ++levels[key[3]];
    EXPECT_GE(levels['0'], 1);
    EXPECT_GE(levels['1'], 1);
    EXPECT_GE(levels['2'], 1);
    EXPECT_GE(levels['9'], 2);
    EXPECT_LT(levels['0'], rows / 2);
}

TEST_F(Requests, ACommitIsOnePutAndNothingElse) {
    start();
    ASSERT_TRUE(store_.waitForRequests("PUT", 2));
    constexpr unsigned kCommits = 15;
    for (unsigned i = 0; i < kCommits; ++i) {
        commit();
        sync();
    }
    EXPECT_EQ(store_.requests(), (Counts{{"LIST", 1}, {"PUT", 2 + kCommits}}));
    const auto requests = engine_->status().at(0).replicas.at(0).requests;
    EXPECT_EQ(requests->of(transport::Operation::Put).requests, 2 + kCommits);
    EXPECT_TRUE(stop());
    EXPECT_EQ(store_.requests().at("PUT"), 2 + kCommits);
    EXPECT_EQ(restoredRows(), kCommits);
}

TEST_F(Requests, ARestartListsOnceAndReadsTheNewestFileTwice) {
    start();
    commit();
    sync();
    EXPECT_TRUE(stop());
    const auto before = store_.requests();
    start();
    sync();
    EXPECT_TRUE(stop());
    auto after = store_.requests();
    EXPECT_EQ(after["LIST"], 2u);
    EXPECT_EQ(after["GET"], 2u);
    EXPECT_EQ(after["PUT"], before.at("PUT"));
    EXPECT_EQ(after.size(), 3u);
}

TEST_F(Requests, ASlowStoreGetsFewerObjects) {
    start();
    ASSERT_TRUE(store_.waitForRequests("PUT", 2));
    const unsigned before = store_.requests().at("PUT");
    store_.hold();
    for (unsigned i = 0; i < 12; ++i) {
        commit();
        std::this_thread::sleep_for(50ms);  // more than one commit's way to its cut
    }
    store_.letGo();
    sync();
    // One was being sent, two were waiting, and the rest is one.
    EXPECT_LE(store_.requests().at("PUT") - before, 4u);
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 12);
}

TEST_F(Requests, AFaultThatHealsWithinACallIsNotInTheLog) {
    const auto lines = linesOf("error", [&] {
        start();
        sync();
        store_.fail(next(limits_.retry.attempts - 1, "PUT", kReset));
        commit();
        sync();
        EXPECT_TRUE(stop());
    });
    EXPECT_EQ(lines, std::vector<std::string>{});
    EXPECT_EQ(restoredRows(), 1);
}

TEST_F(Requests, UsedUpAttemptsAreOneErrorThenOneRecovery) {
    std::vector<std::string> lines = linesOf("replica=memory", [&] {
        start();
        sync();
        store_.fail(next(limits_.retry.attempts + 3, "PUT", kReset));
        commit();
        sync();
        EXPECT_TRUE(stop());
    });
    ASSERT_EQ(lines.size(), 2u) << "at most one in 30 s";
    for (const char* part : {"level=ERROR", "msg=\"monitor error\"", "db=", "send request failed", "connection reset by peer",
                             "consecutive_errors=1", "backoff="}) {
        EXPECT_NE(lines[0].find(part), std::string::npos) << part << " is not in " << lines[0];
    }
    EXPECT_NE(lines[1].find("level=INFO msg=\"replica sync recovered\""), std::string::npos) << lines[1];
    EXPECT_NE(lines[1].find("previous_errors=4"), std::string::npos) << lines[1];
    EXPECT_EQ(restoredRows(), 1);
}

TEST_F(Requests, ASnapshotThatFailsIsMadeAgain) {
    store_.fail(next(limits_.retry.attempts + 1, "PUT", kReset));
    const auto lines = linesOf("monitor error", [&] {
        start();
        commit();
        sync();
        EXPECT_TRUE(stop());
    });
    EXPECT_EQ(lines.size(), 1u);
    EXPECT_EQ(restoredRows(), 1);
}

TEST_F(Requests, WhatNeedsAPersonIsAnErrorAtOnceAndHealsWithoutARestart) {
    const auto lines = linesOf("monitor error", [&] {
        start();
        sync();
        const unsigned before = store_.requests().at("PUT");
        store_.fail([](const std::string&) { throw kDenied; });
        commit();
        ASSERT_TRUE(store_.waitForRequests("PUT", before + 1));
        ASSERT_TRUE(store_.waitForRequests("PUT", before + 4)) << "it is tried again";
        store_.heal();
        sync();
        EXPECT_TRUE(stop());
    });
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find("access denied"), std::string::npos);
    EXPECT_NE(lines[0].find("consecutive_errors=1"), std::string::npos) << "after a single attempt";
    EXPECT_EQ(restoredRows(), 1);
}

TEST_F(Requests, AStoreThatIsDownAtTheStartIsOneErrorAndHealsByItself) {
    const auto lines = linesOf("replica=memory", [&] {
        store_.fail([](const std::string&) { throw kReset; });
        start();
        commit();
        ASSERT_TRUE(store_.waitForRequests("LIST", limits_.retry.attempts + 3));
        commit();
        store_.heal();
        sync();
        EXPECT_TRUE(stop());
    });
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_NE(lines[0].find("level=ERROR msg=\"monitor error\""), std::string::npos) << lines[0];
    EXPECT_NE(lines[1].find("replica sync recovered"), std::string::npos) << lines[1];
    EXPECT_EQ(restoredRows(), 2);
}

TEST_F(Requests, AListingThatFailsOnceIsNotInTheLog) {
    store_.fail(next(1, "LIST", kReset));
    const auto lines = linesOf("error", [&] {
        start();
        sync();
        EXPECT_TRUE(stop());
    });
    EXPECT_EQ(lines, std::vector<std::string>{});
}

TEST_F(Requests, StoppingEndsEveryWait) {
    limits_.retry = {};
    limits_.retry.attempts = 1;
    limits_.retry.again = limits_.retry.againLongest = std::chrono::hours(1);
    for (const std::string operation : {"PUT", "LIST"}) {
        store_.fail([=](const std::string& asked) {
            if (asked == operation) throw kReset;
        });
        const unsigned before = store_.requests()[operation];
        start();
        ASSERT_TRUE(store_.waitForRequests(operation, before + 1));
        EXPECT_FALSE(stop(1ms)) << operation;
    }
}

TEST_F(Requests, StoppingTriesOnceMoreWhatWaits) {
    limits_.retry = {};
    limits_.retry.attempts = 1;
    limits_.retry.again = limits_.retry.againLongest = std::chrono::hours(1);
    start();
    sync();
    const unsigned before = store_.requests().at("PUT");
    store_.fail(next(1, "PUT", kReset));
    commit();
    ASSERT_TRUE(store_.waitForRequests("PUT", before + 1));
    while (engine_->status().at(0).replicas.at(0).lastError.empty()) std::this_thread::yield();
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 1);
}

}  // namespace
}  // namespace litestream::engine
