#include "Fixture.h"

namespace litestream::test {
namespace {

using Outcome = Attachment::Outcome;

/// A database that was followed until a known position and is not followed any more; one application stays.
class ProofTest : public SourceSqlite {
protected:
    ProofTest() {
        app.must(kCreate);
        app.must("PRAGMA wal_autocheckpoint=0");
        follower.attach();
        app.must(insertRows(20));
        follower.captureAll();
        follower.source().detach();
    }
    void expectOutcome(Outcome outcome) {
        EXPECT_EQ(follower.attach(true).outcome, outcome) << follower.attachment.reason;
        expectMirrorIsDatabase(follower);
    }
    App app{database};
    Follower follower{database};
};

TEST_F(ProofTest, UnchangedWalIsProof) {
    expectOutcome(Outcome::Proved);
}

TEST_F(ProofTest, MoreCommitsInTheSameGenerationAreProof) {
    app.must(insertRows(20));
    app.must("PRAGMA wal_checkpoint(PASSIVE)");
    EXPECT_EQ(follower.attach(true).outcome, Outcome::Proved);
    EXPECT_EQ(follower.capture().outcome, Capture::Outcome::Captured);
    EXPECT_FALSE(newGeneration(follower, follower.captures.size() - 1));
    expectMirrorIsDatabase(follower);
}

TEST_F(ProofTest, KilledApplicationIsProof) {
    app.must(insertRows(20));
    app.kill();
    expectOutcome(Outcome::Proved);
}

TEST_F(ProofTest, T01_CommitsCheckpointAndReset) {
    app.must(insertRows(20));
    app.must("PRAGMA wal_checkpoint(PASSIVE)");
    app.must(kInsert);
    expectOutcome(Outcome::Lost);
}

TEST_F(ProofTest, T01_Truncate) {
    app.must(insertRows(20));
    app.must("PRAGMA wal_checkpoint(TRUNCATE)");
    expectOutcome(Outcome::Lost);
}

TEST_F(ProofTest, T01_TwoResets) {
    for (int i = 0; i < 2; ++i) {
        app.must(insertRows(20));
        app.must("PRAGMA wal_checkpoint(PASSIVE)");
        app.must(kInsert);
    }
    expectOutcome(Outcome::Lost);
}

TEST_F(ProofTest, T01_ModeChangedAndBack) {
    app.must("PRAGMA journal_mode=DELETE");
    app.must(kInsert);
    app.must("PRAGMA journal_mode=WAL");
    app.must(insertRows(20));
    expectOutcome(Outcome::Lost);
}

TEST_F(ProofTest, T11_SameGenerationOtherContent) {
    app.kill();
    // As after a power loss: the tail of the log is gone, the application goes on in the same generation.
    const auto size = std::filesystem::file_size(walPath());
    std::filesystem::remove(database.string() + "-shm");
    std::filesystem::resize_file(walPath(), size - 2 * (4096 + 24));
    App again(database);
    again.must("PRAGMA wal_autocheckpoint=0");
    again.must(insertRows(20));
    again.must(insertRows(20));
    ASSERT_GE(std::filesystem::file_size(walPath()), size);
    expectOutcome(Outcome::Lost);
}

TEST_F(ProofTest, OtherDatabaseUnderTheSameName) {
    app.close();
    std::filesystem::rename(database, directory / "old.db");
    std::filesystem::copy_file(directory / "old.db", database);
    expectOutcome(Outcome::Lost);
}

TEST_F(ProofTest, DamagedRecordIsNoProof) {
    follower.position.bytes[0] = std::byte{99};
    expectOutcome(Outcome::Lost);
}

}  // namespace
}  // namespace litestream::test
