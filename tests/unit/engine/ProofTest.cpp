#include "LiveEngine.h"

#include "engine/LocalState.h"
#include "ltx/Decoder.h"
#include "ltx/Encoder.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <thread>

namespace litestream::engine {
namespace {

using namespace std::chrono_literals;

/// A whole engine that proves what it does, and somebody who damages what it relies on. Its log goes to a file, to be waited for.
class Proof : public test::LiveEngine {
protected:
    Proof() {
        run("CREATE TABLE big(x)");
        for (int i = 0; i < 20; ++i) run("INSERT INTO big VALUES(randomblob(9000))");
        std::fflush(stdout);
        stdout_ = ::dup(1);
        const int file = ::open((directory_ / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
        ::dup2(file, 1);
        ::close(file);
    }
    ~Proof() override {
        engine_.reset();
        std::fflush(stdout);
        ::dup2(stdout_, 1);
        ::close(stdout_);
        if (HasFailure()) std::cout << log();
    }

    std::string log() const {
        std::fflush(stdout);
        std::ifstream file(directory_ / "log");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    unsigned count(const std::string& text) const {
        const std::string all = log();
        unsigned found = 0;
        for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++found;
        return found;
    }
    /// Waits for another line with this text.
    void waitForOneMore(const std::string& text) { waitFor(text, count(text) + 1); }
    void waitFor(const std::string& text, unsigned times = 1) {
        const auto end = std::chrono::steady_clock::now() + 60s;
        while (count(text) < times) {
            ASSERT_LT(std::chrono::steady_clock::now(), end) << text;
            std::this_thread::sleep_for(5ms);
        }
    }
    static levels::Settings quick() {
        return {.levels = {1ms, 20ms}, .snapshotInterval = 100ms, .snapshotRetention = 10s, .levelZeroRetention = 1ms, .checkInterval = 1ms};
    }
    /// What is proven comes from validation alone.
    static levels::Settings validating() {
        levels::Settings settings;
        settings.validationInterval = 50ms;
        return settings;
    }

    /// The newest state of the replica is the database.
    void expectRestorable() {
        const std::string everything = "SELECT group_concat(hex(x)) FROM (SELECT x FROM big UNION ALL SELECT x FROM t ORDER BY 1)";
        EXPECT_EQ(ask(restored(), everything) == ask(database_, everything), true);
        EXPECT_EQ(ask(directory_ / "restored.db", "PRAGMA integrity_check"), "ok");
    }

    /// Changes a byte of the last page of an object, and everything in it that would tell.
    void change(const std::string& key) {
        replica::ReplicaStore store(std::make_unique<test::BorrowedStore>(store_));
        const auto file = store.layout().parse(key);
        ASSERT_TRUE(file);
        const CallContext context;
        const auto codecs = registry_->codecs();
        const auto codec = registry_->openCodec("lz4", {});
        ltx::Decoder decoder(store.open({*file, store_.content(key).size(), {}}, context), codecs);
        ltx::MemorySink sink;
        ltx::Encoder encoder(sink, decoder.header(), *codec);
        std::vector<std::byte> page(decoder.header().pageSize);
        std::vector<std::byte> held;
        PageNumber number = decoder.next(page);
        while (number != 0) {
            held = page;
            const PageNumber next = decoder.next(page);
            if (next == 0) held.back() ^= std::byte{1};
            encoder.addPage(number, held);
            number = next;
        }
        encoder.finish();
        store_.insert(key, {reinterpret_cast<const char*>(sink.bytes().data()), sink.bytes().size()}, decoder.header().timestamp);
    }
    std::string snapshot() const {
        for (const auto& key : store_.keys()) {
            if (key.starts_with("0009/")) return key;
        }
        return "";
    }
    MetaPaths meta() const { return MetaPaths::beside(path()); }
    /// Everything that is known of the replica but the page sums is forgotten.
    void forgetInventory() const {
        for (const auto& entry : std::filesystem::directory_iterator(meta().directory)) {
            if (entry.path().filename().string().starts_with("inventory")) std::filesystem::remove_all(entry.path());
        }
    }
    /// Changes the page sums as somebody would who knows them: the digest, and the entry of a page unless it is 0.
    void changeSums(PageNumber page) const {
        std::fstream file(meta().pageSums(), std::ios::in | std::ios::out | std::ios::binary);
        std::array<std::uint64_t, 8> header{};
        file.read(reinterpret_cast<char*>(header.data()), sizeof(header));
        header[5] ^= 0x1000;
        header[7] = ltx::crc64(0, std::as_bytes(std::span(header)).first(56));
        file.seekp(0);
        file.write(reinterpret_cast<const char*>(header.data()), sizeof(header));
        if (page == 0) return;
        std::uint64_t sum = 0;
        const auto at = static_cast<std::streamoff>(sizeof(header) + (page - 1) * sizeof(sum));
        file.seekg(at);
        file.read(reinterpret_cast<char*>(&sum), sizeof(sum));
        sum ^= 0x1000;
        file.seekp(at);
        file.write(reinterpret_cast<const char*>(&sum), sizeof(sum));
    }

private:
    int stdout_ = -1;
};

TEST_F(Proof, ASoundReplicaIsProvenAgainAndAgain) {
    start(quick());
    for (int round = 0; round < 4; ++round) {
        const auto end = std::chrono::steady_clock::now() + 60s;
        const unsigned before = count("replica proven");
        while (count("replica proven") < before + 2) {
            ASSERT_LT(std::chrono::steady_clock::now(), end);
            commit();
            sync();
        }
        if (round == 0) run("VACUUM");
        if (round == 1) run("DELETE FROM big WHERE rowid > 5; VACUUM");
        if (round == 2) {
            EXPECT_TRUE(stop());
            start(quick());
        }
        sync();
    }
    EXPECT_TRUE(stop());
    EXPECT_EQ(count("level=ERROR"), 0u);
    expectRestorable();
}

TEST_F(Proof, AValidationReadsEverythingAndProvesTheNewestState) {
    start(validating());
    sync();
    waitForOneMore("replica proven");
    waitForOneMore("database compared with what was captured");
    for (int i = 0; i < 5; ++i) {
        commit();
        sync();
    }
    waitForOneMore("replica validated");
    EXPECT_TRUE(stop());
    EXPECT_EQ(count("level=ERROR"), 0u) << "and no reconcile";
    EXPECT_EQ(count("msg=reconcile"), 0u);
}

TEST_F(Proof, AReplicaThatIsBehindIsProvenByTheDigestsOfWhatItGetsLater) {
    test::MemoryStore second;
    start(quick(), std::nullopt, &second);
    sync();
    // Everything arrives at the other one first, so its digest is known before this one has the file.
    second.hold();
    const unsigned before = store_.requests()["PUT"];
    for (int i = 0; i < 30; ++i) commit();
    ASSERT_TRUE(store_.waitForRequests("PUT", before + 1));
    commit();
    waitForOneMore("replica=memory txid=");
    second.letGo();
    sync();
    waitFor("replica=second txid=", count("replica=second txid=") + 1);
    EXPECT_TRUE(stop());
    EXPECT_EQ(count("level=ERROR"), 0u);
}

TEST_F(Proof, ADifferenceAtOneReplicaIsShippedToAllAndEachIsProven) {
    test::MemoryStore second;
    start({}, std::nullopt, &second);
    commit();
    sync();
    EXPECT_TRUE(stop());
    change(snapshot());
    forgetInventory();
    start(validating(), std::nullopt, &second);
    waitFor("replica does not match the database");
    waitFor("msg=reconcile");
    waitForOneMore("replica=memory txid=");
    waitForOneMore("replica=second txid=");
    EXPECT_TRUE(stop());
    EXPECT_EQ(count("replica does not match the database"), 1u);
    EXPECT_EQ(count("pages=1 of="), 1u);
    expectRestorable();
}

TEST_F(Proof, AnExchangedObjectIsNamedAndBridged) {
    start(validating());
    commit();
    sync();
    waitForOneMore("replica proven");
    waitForOneMore("replica validated");  // it has read, and knows, every checksum
    waitForOneMore("replica validated");
    change(snapshot());
    waitFor("another file than the one that was stored");
    waitFor("replica file lost");
    waitForOneMore("replica proven");
    EXPECT_TRUE(stop());
    expectRestorable();
}

TEST_F(Proof, AStateThatDoesNotMatchIsNamedAndThePagesThatDifferAreShipped) {
    start();
    commit();
    sync();
    EXPECT_TRUE(stop());
    // Nobody knows any more what the object was.
    change(snapshot());
    forgetInventory();
    start(validating());
    waitFor("replica does not match the database");
    waitFor("msg=reconcile");
    EXPECT_EQ(count("pages=1 of="), 1u) << log();
    waitForOneMore("replica proven");
    commit();
    sync();
    EXPECT_TRUE(stop());
    expectRestorable();
    EXPECT_EQ(count("page sums were wrong"), 0u);
    EXPECT_FALSE(std::filesystem::exists(meta().replicaSums()));
}

TEST_F(Proof, WhatWasNotCapturedIsNoticedAndShipped) {
    start();
    commit();
    sync();
    EXPECT_TRUE(stop());
    forgetInventory();
    changeSums(7);
    start(validating());
    waitFor("what was captured does not match the database");
    waitFor("msg=reconcile");
    EXPECT_GE(count("pages=1 of="), 1u) << log();
    waitForOneMore("replica proven");
    waitForOneMore("database compared with what was captured");
    EXPECT_TRUE(stop());
    expectRestorable();
}

TEST_F(Proof, AChangeBehindTheLogIsNoticedThoughTheReplicaIsWhatWasCaptured) {
    run("INSERT INTO t VALUES('" + std::string(100, 'a') + "')");
    run("CREATE TABLE u(x)");
    start();
    sync();
    run("PRAGMA wal_checkpoint(TRUNCATE)");
    run("INSERT INTO u VALUES(1)");
    sync();
    EXPECT_TRUE(stop());
    // The first row of t lies at the end of its page. By another process, since closing the file here would give SQLite's locks away.
    const std::string rows = "SELECT x FROM t";
    ASSERT_EQ(std::system(("printf b | dd status=none conv=notrunc bs=1 seek=8180 of=" + path().string()).c_str()), 0);
    start(validating());
    waitFor("what was captured does not match the database");
    waitFor("msg=reconcile");
    waitForOneMore("replica proven");
    EXPECT_TRUE(stop());
    EXPECT_EQ(ask(restored(), rows), std::string(88, 'a') + 'b' + std::string(11, 'a'));
}

TEST_F(Proof, AWrongDigestIsFoundByTheDatabaseAndTakenBack) {
    start();
    commit();
    sync();
    EXPECT_TRUE(stop());
    forgetInventory();
    changeSums(0);
    start(validating());
    waitFor("page sums were wrong");
    waitForOneMore("replica proven");
    waitForOneMore("database compared with what was captured");
    EXPECT_TRUE(stop());
    expectRestorable();
}

TEST_F(Proof, StatesAreRestoredForTrial) {
    levels::Settings settings = quick();
    settings.verifyRestore.interval = 20ms;
    settings.verifyRestore.directory = directory_ / "trials";
    start(settings);
    while (count("restore verified") < 6) {
        commit();
        sync();
    }
    EXPECT_TRUE(stop());
    EXPECT_GT(count("compared=yes"), 0u);
    EXPECT_EQ(count("level=ERROR"), 0u);
    EXPECT_TRUE(std::filesystem::is_empty(directory_ / "trials"));
}

TEST_F(Proof, ATrialFindsWhatIsWrong) {
    start();
    commit();
    sync();
    EXPECT_TRUE(stop());
    change(snapshot());
    forgetInventory();
    levels::Settings settings;
    settings.verifyRestore.interval = 50ms;
    start(settings);
    waitFor("restore failed its verification");
    waitFor("replica does not match the database");
    waitForOneMore("restore verified");
    EXPECT_TRUE(stop());
    expectRestorable();
}

TEST_F(Proof, ATrialKeepsToItsBudget) {
    levels::Settings settings;
    settings.verifyRestore.interval = 10ms;
    settings.verifyRestore.mostBytes = 4096;
    start(settings);
    sync();
    waitFor("restore not verified");
    for (int i = 0; i < 5; ++i) {
        commit();
        sync();
    }
    EXPECT_TRUE(stop());
    EXPECT_EQ(count("restore not verified"), 1u);
    EXPECT_EQ(count("restore verified"), 0u);
}

}  // namespace
}  // namespace litestream::engine
