#include "Connection.h"
#include "Fixture.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace litestream::test {
namespace {

using Outcome = Attachment::Outcome;

TEST_F(SourceSqlite, FirstContactIsLostAndItsImageIsTheDatabase) {
    App app(database);
    app.must(kCreate);
    app.must(insertRows(50));
    Follower follower(database);
    EXPECT_EQ(follower.attach().outcome, Outcome::Lost);
    EXPECT_EQ(follower.attachment.reason, "first contact");
    EXPECT_EQ(follower.attachment.pageSize, 4096u);
    app.must(insertRows(50));
    expectMirrorIsDatabase(follower);
    EXPECT_EQ(follower.losses, 0u);
}

TEST_F(SourceSqlite, WaitsForAFileThatDoesNotExist) {
    Follower follower(database);
    const auto attachment = follower.attach();
    EXPECT_EQ(attachment.outcome, Outcome::Detached);
    EXPECT_EQ(attachment.reason, "file does not exist");
    EXPECT_FALSE(std::filesystem::exists(database));
    App app(database);
    app.must(kCreate);
    EXPECT_TRUE(follower.waitForWake(Wake::Attach));
    EXPECT_EQ(follower.attach().outcome, Outcome::Lost);
}

TEST_F(SourceSqlite, NeverInitialisesAnEmptyFile) {
    std::ofstream(database).close();
    Follower follower(database);
    EXPECT_EQ(follower.attach().outcome, Outcome::Detached);
    EXPECT_EQ(std::filesystem::file_size(database), 0u);
    App app(database);
    app.must(kCreate);
    EXPECT_TRUE(follower.waitForWake(Wake::Attach));
    EXPECT_EQ(follower.attach().outcome, Outcome::Lost);
}

TEST_F(SourceSqlite, RefusesWhatIsNoDatabase) {
    std::ofstream(database) << std::string(8192, 'x');
    Follower follower(database);
    const auto attachment = follower.attach();
    EXPECT_EQ(attachment.outcome, Outcome::Detached);
    EXPECT_NE(attachment.reason.find("not a SQLite database"), std::string::npos) << attachment.reason;
    EXPECT_TRUE(follower.waitForWake(Wake::Attach));
}

TEST_F(SourceSqlite, RefusesADirectory) {
    std::filesystem::create_directory(database);
    Follower follower(database);
    EXPECT_EQ(follower.attach().outcome, Outcome::Detached);
    EXPECT_EQ(follower.attachment.reason, "not a regular file");
}

TEST_F(SourceSqlite, RefusesTheSameFileUnderAnotherName) {
    App app(database);
    app.must(kCreate);
    std::filesystem::create_hard_link(database, directory / "other.db");
    Follower first(database);
    Follower second(directory / "other.db");
    EXPECT_EQ(first.attach().outcome, Outcome::Lost);
    EXPECT_EQ(second.attach().outcome, Outcome::Detached);
    EXPECT_NE(second.attachment.reason.find("follows the same file"), std::string::npos);
    expectGuardIsReal(first);
    first.source().detach();
    EXPECT_EQ(second.attach().outcome, Outcome::Lost);
}

TEST_F(SourceSqlite, SwitchesFromRollbackModeOnlyIfAllowed) {
    App app(database);
    app.must("CREATE TABLE t(id INTEGER PRIMARY KEY, a BLOB)");
    {
        Follower follower(database, {{"journal-mode-wal", "false"}});
        EXPECT_EQ(follower.attach().outcome, Outcome::Detached);
        EXPECT_NE(follower.attachment.reason.find("PRAGMA journal_mode=WAL"), std::string::npos);
        EXPECT_EQ(app.must("PRAGMA journal_mode"), "delete");
    }
    Follower follower(database);
    EXPECT_EQ(follower.attach().outcome, Outcome::Lost);
    app.must(kInsert);
    EXPECT_EQ(app.must("PRAGMA journal_mode"), "wal");
    expectMirrorIsDatabase(follower);
}

TEST_F(SourceSqlite, RefusesExclusiveModeAndComesBackAfterIt) {
    Follower follower(database);
    {
        App app(database);
        app.must(kCreate);
        app.must("PRAGMA locking_mode=EXCLUSIVE; INSERT INTO t(a) VALUES(1)");
        EXPECT_EQ(follower.attach().outcome, Outcome::Detached);
        EXPECT_NE(follower.attachment.reason.find("locking_mode=EXCLUSIVE"), std::string::npos)
            << follower.attachment.reason;
    }
    EXPECT_TRUE(follower.waitForWake(Wake::Attach));
    EXPECT_EQ(follower.attach().outcome, Outcome::Lost);
}

TEST_F(SourceSqlite, RefusesADatabaseItMayNotWrite) {
    if (::geteuid() == 0) GTEST_SKIP() << "root may write everything";
    { App(database).must(kCreate); }
    std::filesystem::permissions(database, std::filesystem::perms::owner_read);
    Follower follower(database);
    EXPECT_EQ(follower.attach().outcome, Outcome::Detached);
    EXPECT_NE(follower.attachment.reason.find("no write access"), std::string::npos) << follower.attachment.reason;
}

TEST_F(SourceSqlite, FollowsThroughASymbolicLinkAndOddNames) {
    const auto odd = directory / "a %41?mode=ro#x.db";
    App app(odd);
    app.must(kCreate);
    std::filesystem::create_symlink(odd, database);
    Follower follower(database);
    EXPECT_EQ(follower.attach().outcome, Outcome::Lost);
    app.must(kInsert);
    follower.captureAll();
    EXPECT_EQ(follower.captures.size(), 1u);
}

TEST_F(SourceSqlite, AttachAndDetachTwice) {
    App app(database);
    app.must(kCreate);
    Follower follower(database);
    follower.attach();
    follower.source().detach();
    follower.source().detach();
    EXPECT_TRUE(kernelLocks(database).empty());
    EXPECT_EQ(follower.source().status().state, "detached: not attached");
    EXPECT_EQ(follower.attach().outcome, Outcome::Lost);
    expectMirrorIsDatabase(follower);
}

TEST_F(SourceSqlite, T20_AllPageSizesWithReservedBytes) {
    for (int size = 512; size <= 65536; size *= 2) {
        for (const int reserved : {0, 12, 32}) {
            const auto path = directory / (std::to_string(size) + "-" + std::to_string(reserved) + ".db");
            App app(path);
            // Reserved bytes cannot be asked for in SQL; a real header with the byte changed before VACUUM is what tools do.
            app.must("PRAGMA page_size=" + std::to_string(size) + "; CREATE TABLE t(id INTEGER PRIMARY KEY, a BLOB)");
            app.close();
            sqlite3* handle = nullptr;
            ASSERT_EQ(sqlite3_open(path.c_str(), &handle), SQLITE_OK);
            int bytes = reserved;
            sqlite3_file_control(handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes);
            ASSERT_EQ(sqlite3_exec(handle, "VACUUM; PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr), SQLITE_OK);
            sqlite3_close(handle);

            App writer(path);
            Follower follower(path);
            ASSERT_EQ(follower.attach().outcome, Outcome::Lost);
            EXPECT_EQ(follower.attachment.pageSize, static_cast<std::uint32_t>(size));
            writer.must(insertRows(30));
            follower.captureAll();
            writer.must("DELETE FROM t WHERE id%3=0");
            database = path;
            expectMirrorIsDatabase(follower);
            EXPECT_EQ(static_cast<int>(follower.mirror().content()[20]), reserved);
        }
    }
}

TEST_F(SourceSqlite, T25_ModeChangedWhileDetachedIsNoProof) {
    App app(database);
    app.must(kCreate);
    Follower follower(database);
    follower.attach();
    app.must(insertRows(5));
    follower.captureAll();
    follower.source().detach();
    EXPECT_EQ(app.must("PRAGMA journal_mode=DELETE"), "delete");
    app.must(insertRows(5));
    EXPECT_EQ(follower.attach(true).outcome, Outcome::Lost);
    expectMirrorIsDatabase(follower);
}

TEST_F(SourceSqlite, T41_LastApplicationToCloseDoesNotDeleteTheWal) {
    { App(database).must(kCreate); }
    Follower follower(database);
    follower.attach();
    for (int i = 0; i < 5; ++i) {
        App(database).must(insertRows(3));
        EXPECT_TRUE(std::filesystem::exists(walPath()));
        follower.captureAll();
        expectGuardIsReal(follower);
    }
    EXPECT_EQ(follower.losses, 0u);
    expectMirrorIsDatabase(follower);
}

TEST_F(SourceSqlite, T41_TheSourceAsLastToCloseKeepsTheProof) {
    { App(database).must(kCreate); }
    Follower follower(database);
    follower.attach();
    App(database).must(insertRows(3));
    follower.captureAll();
    follower.source().detach();
    EXPECT_TRUE(std::filesystem::exists(walPath()));
    EXPECT_EQ(follower.attach(true).outcome, Outcome::Proved) << follower.attachment.reason;
}

TEST_F(SourceSqlite, T44_SettingsAreReadBackFromTheConnection) {
    App app(database);
    app.must(kCreate);
    sqlite::initialiseLibrary();
    sqlite::Connection connection(database);
    connection.attach();
    int persist = -1;
    sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
    EXPECT_EQ(persist, 1);
    EXPECT_EQ(sqlite3_db_readonly(connection.handle(), "main"), 0);
}

TEST_F(SourceSqlite, T29_NothingIsWrittenToTheDatabase) {
    App app(database);
    app.must(kCreate);
    app.must(insertRows(5));
    const auto version = app.must("PRAGMA data_version");
    const auto schema = app.must("SELECT group_concat(sql) FROM sqlite_master");
    Follower follower(database);
    follower.attach();
    follower.captureAll();
    follower.source().detach();
    EXPECT_EQ(app.must("PRAGMA data_version"), version);
    EXPECT_EQ(app.must("SELECT group_concat(sql) FROM sqlite_master"), schema);
}

}  // namespace
}  // namespace litestream::test
