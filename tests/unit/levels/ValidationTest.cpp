#include "Fixture.h"

#include "levels/Validation.h"
#include "levels/VerifyRestore.h"
#include "support/ErrorOf.h"
#include "support/TemporaryDirectory.h"

namespace litestream::levels::test {
namespace {

using litestream::test::errorOf;

class ValidationTest : public StoreTest {
protected:
    void add(const replica::FileInfo& file, std::optional<std::uint64_t> digest = std::nullopt, std::chrono::seconds at = 0s) {
        inventory_.add({file, kStart + at, kStart + at, true, {checksumOf(file), digest}});
    }
    Validation validation() { return {replicas_, codecs_, codec_, inventory_}; }
    bool step(Validation& run) { return run.step(60s, {}); }

    Inventory inventory_;
    const Pages first_{{1, 1}, {2, 1}};
    const Pages third_{{1, 3}, {2, 2}};
};

TEST_F(ValidationTest, ReadsEveryFileOnceAndProvesTheNewestStateWhoseDigestIsKnown) {
    add(put(id(9, 1, 1), 2, first_), digestOf(first_));
    add(put(id(1, 2, 3), 2, third_), digestOf(third_));
    add(put(id(0, 3, 3), 2, {{1, 3}}), digestOf(third_));
    add(put(id(0, 4, 4), 2, {{1, 4}}));
    auto run = validation();
    EXPECT_EQ(run.state().txid, Txid{3});
    EXPECT_EQ(texts(run.state().files), (std::vector<std::string>{"9/1-1", "1/2-3"}));
    EXPECT_FALSE(step(run));
    EXPECT_EQ(run.proven(), Txid{3});
    EXPECT_EQ(run.takeRead().size(), 4u);
    EXPECT_EQ(store_.requests()["GET"], 4u + 4u);  // the second half was this test's
}

TEST_F(ValidationTest, GoesOnInSteps) {
    add(put(id(9, 1, 1), 2, first_), digestOf(first_));
    add(put(id(0, 2, 2), 2, {{1, 4}}));
    auto run = validation();
    unsigned steps = 0;
    while (run.step(0s, {})) {
        ASSERT_LT(++steps, 3u) << "a step that is over at once reads nothing";
        ASSERT_EQ(store_.requests()["GET"], 2u);
        if (steps == 2) break;
    }
    EXPECT_FALSE(step(run));
    EXPECT_EQ(run.proven(), Txid{1});
}

TEST_F(ValidationTest, AStateThatDoesNotMatchIsToldAndTheRestIsReadAllTheSame) {
    add(put(id(9, 1, 1), 2, first_), digestOf(third_));
    add(put(id(0, 2, 2), 2, {{1, 4}}));
    auto run = validation();
    EXPECT_THROW(step(run), DigestError);
    EXPECT_FALSE(step(run));
    EXPECT_EQ(run.proven(), Txid{});
    EXPECT_EQ(run.takeRead().size(), 1u);
}

TEST_F(ValidationTest, NamesEachFileThatIsDamagedOrGone) {
    add(put(id(9, 1, 1), 2, first_), digestOf(first_));
    for (std::uint64_t txid = 2; txid <= 5; ++txid) add(put(id(0, txid, txid), 2, {{1, 4}}));
    store_.content(key(id(9, 1, 1)))[120] ^= 1;
    store_.erase(key(id(0, 3, 3)));
    store_.content(key(id(0, 5, 5))).pop_back();
    auto run = validation();
    std::vector<std::string> named;
    for (;;) {
        try {
            if (!step(run)) break;
        } catch (const InputError& error) {
            named.push_back(text(error.input()));
        }
    }
    EXPECT_EQ(named, (std::vector<std::string>{"0/3-3", "0/5-5", "9/1-1"}));
    EXPECT_EQ(run.proven(), Txid{});
    EXPECT_TRUE(run.disturbed());
}

TEST_F(ValidationTest, WhatIsDamagedOnTheWayIsNoDamagedFile) {
    add(put(id(0, 2, 2), 2, {{1, 4}}));
    auto run = validation();
    char& byte = store_.content(key(id(0, 2, 2)))[120];
    byte ^= 1;
    store_.fail([&, gets = 0](const std::string& operation) mutable {
        if (operation == "GET" && ++gets == 2) byte ^= 1;
    });
    EXPECT_FALSE(step(run));
    EXPECT_EQ(run.takeRead().size(), 1u);
}

TEST_F(ValidationTest, AStoreThatIsAwayLosesNothing) {
    add(put(id(9, 1, 1), 2, first_), digestOf(first_));
    add(put(id(0, 2, 2), 2, {{1, 4}}));
    auto run = validation();
    store_.fail([](const std::string&) { throw Error(ErrorCode::Transient, "connection reset by peer"); });
    for (int i = 0; i < 3; ++i) EXPECT_EQ(errorOf([&] { step(run); }).code(), ErrorCode::Transient);
    store_.heal();
    EXPECT_FALSE(step(run));
    EXPECT_EQ(run.proven(), Txid{1});
}

TEST_F(ValidationTest, TrialsAreOfTheNewestStateOrOfWhatRetentionPromises) {
    add(put(id(9, 1, 1), 2, first_), digestOf(first_), 0s);
    add(put(id(1, 2, 3), 2, third_), digestOf(third_), 100s);
    add(put(id(1, 4, 4), 2, {{1, 4}}), std::nullopt, 200s);
    add(put(id(0, 5, 5), 2, {{1, 5}}), std::nullopt, 300s);
    Settings settings;
    settings.snapshotRetention = 250s;
    EXPECT_EQ(chooseTrial(inventory_, settings, kStart + 300s, true, 0)->txid, Txid{5});
    EXPECT_EQ(chooseTrial(inventory_, settings, kStart + 300s, false, 0)->txid, Txid{3});
    EXPECT_EQ(chooseTrial(inventory_, settings, kStart + 300s, false, 0)->digest, digestOf(third_));
    EXPECT_EQ(chooseTrial(inventory_, settings, kStart + 300s, false, 0.99)->txid, Txid{4});
    EXPECT_FALSE(chooseTrial(inventory_, settings, kStart + 1000s, false, 0.5));
    EXPECT_FALSE(chooseTrial({}, settings, kStart, true, 0));
}

TEST_F(ValidationTest, ATrialKnowsADamagedDatabaseFromADamagedReplica) {
    // No SQLite database at all, and yet what it has to be.
    add(put(id(9, 1, 1), 2, first_), digestOf(first_));
    const litestream::test::TemporaryDirectory directory;
    const auto file = directory / "trial.db";
    Settings::VerifyRestore oneByteLess;
    oneByteLess.mostBytes = 8191;
    auto trial = *chooseTrial(inventory_, {}, kStart, true, 0);
    EXPECT_EQ(errorOf([&] { tryRestore(*replicas_, codecs_, trial, {}, file, {}); }).code(), ErrorCode::Unsupported);
    trial.digest = digestOf(third_);
    EXPECT_THROW(tryRestore(*replicas_, codecs_, trial, {}, file, {}), DigestError);
    trial.digest.reset();
    EXPECT_EQ(errorOf([&] { tryRestore(*replicas_, codecs_, trial, {}, file, {}); }).code(), ErrorCode::Corrupt);
    EXPECT_EQ(tryRestore(*replicas_, codecs_, trial, oneByteLess, file, {}).outcome, TrialEnd::Outcome::Skipped);
    EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

}  // namespace
}  // namespace litestream::levels::test
