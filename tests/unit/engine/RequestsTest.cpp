#include "LiveEngine.h"

#include <future>
#include <thread>

namespace litestream::engine {
namespace {

using namespace std::chrono_literals;
using Counts = std::map<std::string, unsigned>;

class Requests : public test::LiveEngine {};

const Error kReset(ErrorCode::Transient, "send request failed: put: connection reset by peer");
const Error kDenied(ErrorCode::Denied, "put: access denied");

TEST_F(Requests, ANewReplicaIsOneListingASnapshotAndAnAnchor) {
    start();
    ASSERT_TRUE(store_.waitForRequests("PUT", 2));
    EXPECT_TRUE(stop());
    EXPECT_EQ(store_.requests(), (Counts{{"LIST", 1}, {"PUT", 2}}));
}

/// Upstream's daemon goes on from the newest level-0 file: one that ends before the snapshot would give the TXIDs behind it another content.
TEST_F(Requests, AStopDuringTheFirstSnapshotWaitsForTheAnchor) {
    store_.stall({"PUT"});
    unsigned puts = 0;
    store_.damage([&](std::string&) {
        if (++puts > 1 && puts < 10) throw kReset;
    });
    start();
    ASSERT_TRUE(store_.waitForRequests("PUT", 1));
    std::promise<void> asked;
    auto stopped = std::async(std::launch::async, [&] {
        asked.set_value();
        return stop();
    });
    asked.get_future().wait();
    // Each answer comes from the database itself, behind what it was asked before.
    for (int i = 0; i < 50; ++i) engine_->status();
    store_.stall({});
    EXPECT_TRUE(stopped.get());
    EXPECT_EQ(store_.keys(), (std::vector<std::string>{"0000/0000000000000002-0000000000000002.ltx", "0009/0000000000000001-0000000000000001.ltx"}));
}

TEST_F(Requests, T54_LevelsAndRetentionListNothingAndKeepWhatIsRestored) {
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

TEST_F(Requests, T54_ARestartListsOnceAndReadsTheNewestFileTwice) {
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

TEST_F(Requests, OnePassSendsEverythingAndCompactsNothing) {
    const levels::Settings eager{.levels = {1ms}, .snapshotInterval = 1ms, .snapshotRetention = 1ms, .levelZeroRetention = 1ms, .checkInterval = 1ms};
    for (int pass = 1; pass <= 3; ++pass) {
        commit();
        start(eager, 60s);
        sync();
        EXPECT_TRUE(stop());
        EXPECT_EQ(restoredRows(), pass);
    }
    EXPECT_EQ(store_.requests().count("DELETE"), 0u);
    for (const auto& key : store_.keys()) EXPECT_FALSE(key.starts_with("0001/")) << key;
}

TEST_F(Requests, OnePassGivesUpAtOnceWhatNeedsAPerson) {
    commit();
    for (const std::string operation : {"LIST", "PUT"}) {
        store_.fail([=](const std::string& asked) {
            if (asked == operation) throw kDenied;
        });
        start({}, 1h);
        const std::string failure = failureOf([&] { engine_->sync(path(), CallContext::within(60s)); });
        EXPECT_TRUE(failure.starts_with("sync replica for " + path().string() + ": ")) << failure;
        EXPECT_NE(failure.find("access denied"), std::string::npos) << failure;
        EXPECT_FALSE(stop(1h)) << "as soon as it is certain";
    }
    store_.heal();
    start({}, 1h);
    sync();
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 1);
}

TEST_F(Requests, OnePassNamesWhatItGaveUpAlthoughAnotherReplicaGoesOn) {
    test::MemoryStore second;
    second.fail([](const std::string&) { throw kDenied; });
    commit();
    start({}, 1h, &second);
    const std::string failure = failureOf([&] { engine_->sync(path(), CallContext::within(60s)); });
    EXPECT_TRUE(failure.starts_with("sync replica for " + path().string() + ": second: ")) << failure;
    EXPECT_FALSE(stop());
    EXPECT_EQ(restoredRows(), 1);
}

TEST_F(Requests, OnePassHasPatienceWithWhatHeals) {
    store_.fail(next(5 * limits_.retry.attempts, "PUT", kReset));
    commit();
    start({}, 60s);
    sync();
    store_.fail([](const std::string&) { throw kReset; });
    commit();
    engine_.reset();
    start({}, 50ms);
    EXPECT_NE(failureOf([&] { engine_->sync(path(), CallContext::within(60s)); }).find("connection reset by peer"), std::string::npos);
    EXPECT_FALSE(stop());
    store_.heal();
    start({}, 60s);
    sync();
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 2);
}

TEST_F(Requests, ASnapshotThatIsAskedForIsMadeWhereItIsMissing) {
    const auto snapshots = [&] {
        const auto keys = store_.keys();
        return std::count_if(keys.begin(), keys.end(), [](const auto& key) { return key.starts_with("0009/"); });
    };
    const auto snapshot = [&] { engine_->snapshot(path(), CallContext::within(60s)); };
    commit();
    start({}, 60s);
    snapshot();
    EXPECT_EQ(snapshots(), 1) << "the first copy is one";
    commit();
    snapshot();
    EXPECT_EQ(snapshots(), 2);
    sync();
    snapshot();
    EXPECT_EQ(snapshots(), 2) << "nothing has changed";
    EXPECT_TRUE(stop());
    start({}, 60s);
    const auto lines = linesOf("snapshot is up to date", snapshot);
    EXPECT_EQ(lines.size(), 1u);
    EXPECT_EQ(snapshots(), 2) << "also for the next process";
    store_.fail(next(1, "PUT", kDenied));
    commit();
    EXPECT_TRUE(failureOf(snapshot).starts_with("snapshot " + path().string() + ": ")) << failureOf(snapshot);
    store_.heal();
    snapshot();
    EXPECT_EQ(snapshots(), 3);
    EXPECT_TRUE(stop());
    EXPECT_EQ(restoredRows(), 3);
}

TEST_F(Requests, ASnapshotThatIsAskedForIsMadeOnceAlthoughTheApplicationGoesOn) {
    commit();
    start({}, 60s);
    unsigned commits = 1;
    store_.damage([&](std::string&) {
        if (commits++ < 20) commit();
    });
    engine_->snapshot(path(), CallContext::within(60s));
    store_.damage({});
    const auto keys = store_.keys();
    EXPECT_EQ(std::count_if(keys.begin(), keys.end(), [](const auto& key) { return key.starts_with("0009/"); }), 1);
    EXPECT_TRUE(stop());
}

TEST_F(Requests, AStopWithoutPatienceIsOneAttempt) {
    start();
    sync();
    commit();
    EXPECT_TRUE(stop(0ns)) << "an attempt that goes well";
    EXPECT_EQ(restoredRows(), 1);
    start();
    sync();
    store_.fail([](const std::string&) { throw kReset; });
    const unsigned before = store_.requests()["PUT"];
    commit();
    EXPECT_FALSE(stop(0ns));
    EXPECT_GT(store_.requests()["PUT"], before);
    EXPECT_LE(store_.requests()["PUT"], before + 2 * limits_.retry.attempts);
    store_.heal();
}

TEST_F(Requests, AStopSaysWhatIsMissingWhere) {
    start();
    sync();
    store_.fail([](const std::string&) { throw kDenied; });
    const unsigned before = store_.requests()["PUT"];
    commit();
    ASSERT_TRUE(store_.waitForRequests("PUT", before + 1));
    const StopReport report = engine_->stop(200ms);
    EXPECT_FALSE(report.complete);
    ASSERT_EQ(report.unfinished.size(), 1u);
    // Whether the file beside the first snapshot had arrived before is chance.
    for (const char* part : {"memory is following at TXID 000000000000000", " of 0000000000000003", "access denied"}) {
        EXPECT_NE(report.unfinished[0].find(part), std::string::npos) << report.unfinished[0];
    }
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

TEST_F(Requests, T76_StoppingEndsEveryWait) {
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
