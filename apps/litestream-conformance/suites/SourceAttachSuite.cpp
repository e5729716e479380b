#include "SourceSuite.h"

#include "Trail.h"

#include <fstream>

namespace litestream::conformance {

namespace {

namespace fs = std::filesystem;

void removeDatabase(const fs::path& database) {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) fs::remove(database.string() + suffix);
}

}  // namespace

LITESTREAM_CLAUSE(
    SourceSuite, FirstContactIsLostAndItsImageIsTheDatabase, "Source.h",
    "following, but continuity with the given position cannot be proved (or none was given): image() is next") {
    DatabaseClient client(database_);
    create(client);
    client.must(insertRows(300));
    Follower follower = follow();
    const Attachment found = follower.attach();
    if (!expectOutcome("attach without a position", found, Attachment::Outcome::Lost)) return;
    expectTrue("attach without a position", !found.reason.empty(), "Lost without a reason", "a reason for people");
    expectSame("attach: pages in the database", std::to_string(found.commit), client.must("PRAGMA page_count"));
    expectBytes("the image after attach", follower.copy(), client.image());
    expectCopyIsDatabase("after the image", follower, client);
}

LITESTREAM_CLAUSE(SourceSuite, GoesOnFromItsPosition, "Source.h",
                  "nothing was missed since the given position: capture() goes on from there") {
    DatabaseClient client(database_);
    create(client);
    Follower follower = follow();
    if (!attach(follower)) return;
    client.must(insertRows(20));
    follower.captureAll();
    follower.detach();
    const Attachment found = follower.attach(true);
    expectOutcome("attach with the last position when nothing happened meanwhile", found, Attachment::Outcome::Proved);
    client.must(insertRows(20));
    expectCopyIsDatabase("after detach and attach", follower, client);
}

LITESTREAM_CLAUSE(SourceSuite, ProvesNothingThatItMissed, "Source.h",
                  "`last` is the position behind the newest TXID that core vouches for, or null.") {
    const auto meanwhile = [&](const std::string& what, const std::function<void(DatabaseClient&)>& happens) {
        database_ = directory_ / (std::to_string(std::hash<std::string>()(what)) + ".db");
        DatabaseClient client(database_);
        create(client);
        Follower follower = follow();
        if (!attach(follower)) return;
        client.must(insertRows(50));
        follower.captureAll();
        follower.detach();
        happens(client);
        if (!attach(follower, true)) return;
        expectCopyIsDatabase("after detach, " + what + " and attach", follower, client);
        client.must(kInsert);
        expectCopyIsDatabase("after detach, " + what + ", attach and a commit", follower, client);
    };
    meanwhile("a commit", [](DatabaseClient& client) { client.must(kInsert); });
    meanwhile("an update of every page", [](DatabaseClient& client) { client.must(kUpdateAll); });
    meanwhile("VACUUM",
              [](DatabaseClient& client) { client.must("DELETE FROM t WHERE id<20"), client.must("VACUUM"); });
    meanwhile("commits and checkpoints", [](DatabaseClient& client) {
        for (int i = 0; i < 3; ++i) {
            client.must("UPDATE t SET a=randomblob(500) WHERE id=1");
            client.run("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    });
    meanwhile("a change of the journal mode and back", [&](DatabaseClient& client) {
        client.must(isWal() ? "PRAGMA journal_mode=delete" : "PRAGMA journal_mode=wal");
        client.must(kInsert);
        client.must("PRAGMA journal_mode=" + GetParam().journalMode);
    });
}

LITESTREAM_CLAUSE(SourceSuite, ProvesNoForeignPosition, "Source.h",
                  "continuity with the given position cannot be proved") {
    DatabaseClient client(database_);
    create(client);
    client.must(insertRows(10));
    Position foreign;
    foreign.size = 40;
    for (std::size_t i = 0; i < foreign.size; ++i) foreign.bytes[i] = static_cast<std::byte>(i * 37);
    Follower follower = follow();
    const Attachment found = follower.attachAt(foreign);
    expectOutcome("attach with a position that is not its own", found, Attachment::Outcome::Lost);
    expectCopyIsDatabase("after that", follower, client);

    // The position of another database.
    const Position other = follower.position();
    database_ = directory_ / "other.db";
    DatabaseClient second(database_);
    create(second);
    second.must(insertRows(10));
    Follower otherFollower = follow();
    expectOutcome("attach with the position of another database", otherFollower.attachAt(other),
                  Attachment::Outcome::Lost);
    expectCopyIsDatabase("after that", otherFollower, second);
}

LITESTREAM_CLAUSE(
    SourceSuite, IsDetachedWithoutADatabase, "Source.h",
    "cannot be followed now (no file, empty, locked, not allowed): the source wakes core when that may have changed") {
    Follower follower = follow();
    expectOutcome("attach without a file", follower.attach(), Attachment::Outcome::Detached);
    expectTrue("attach without a file", !fs::exists(database_), "the file exists now", "no file");
    std::ofstream(database_).close();
    expectOutcome("attach to an empty file", follower.attach(), Attachment::Outcome::Detached);
    expectSame("bytes of the empty file after attach", fs::file_size(database_), std::uintmax_t{0});
    follower.forgetWakes();
    DatabaseClient client(database_);
    create(client);
    if (!expectTrue("wait 5 s after the database was made", follower.waitFor({Wake::Attach}), "no wake",
                    "the wake Attach"))
        return;
    if (!attach(follower)) return;
    client.must(kInsert);
    expectCopyIsDatabase("after the database was made", follower, client);
}

LITESTREAM_CLAUSE(SourceSuite, NoticesThatTheDatabaseWasReplaced, "Source.h",
                  "the database went away or was replaced; the source is closed down and attach() is next") {
    Follower follower = follow();
    {
        DatabaseClient client(database_);
        create(client);
        client.must(insertRows(20));
        if (!attach(follower)) return;
        client.must(kInsert);
        follower.captureAll();
    }
    const fs::path path = database_;
    const fs::path another = directory_ / "another.db";
    {
        DatabaseClient client(another);
        create(client);
        client.must(insertRows(5));
        client.run("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    removeDatabase(path);
    fs::rename(another, path);
    removeDatabase(another);
    const bool noticed = follower.followUntil([&] { return follower.capture().outcome == Capture::Outcome::Detached; });
    if (!expectTrue("capture for 5 s after the file was replaced", noticed, "never Detached", "Detached")) return;
    if (!attach(follower, true)) return;
    DatabaseClient client(path);
    client.must("PRAGMA busy_timeout=10000");
    expectCopyIsDatabase("after the database was replaced", follower, client);
    client.must(kInsert);
    expectCopyIsDatabase("after a commit to the new database", follower, client);
}

LITESTREAM_CLAUSE(SourceSuite, DetachEndsFollowing, "Source.h", "Stops following and closes the database.") {
    DatabaseClient client(database_);
    create(client);
    Follower follower = follow();
    follower.detach();
    if (!attach(follower)) return;
    expectTrue("status while following", !follower.status().state.empty(), "no state", "a state for people");
    follower.detach();
    follower.detach();
    expectTrue("status when detached", !follower.status().state.empty(), "no state", "a state for people");
    expectOutcome("capture when detached", follower.capture(), Capture::Outcome::Detached);
    client.must("PRAGMA locking_mode=EXCLUSIVE");
    client.must(kInsert);
    client.must("PRAGMA locking_mode=NORMAL");
    client.must("SELECT count(*) FROM t");
    if (attach(follower)) expectCopyIsDatabase("after detach and attach", follower, client);
}

LITESTREAM_CLAUSE(SourceSuite, SourceThrowsNothingButErrors, "Source.h",
                  "Errors: what is wrong with the database is an outcome, not an exception.") {
    const auto isNoDatabase = [&](const std::string& what) {
        try {
            Follower follower = follow();
            expectOutcome("attach to " + what, follower.attach(), Attachment::Outcome::Detached);
            expectOutcome("capture of " + what, follower.capture(), Capture::Outcome::Detached);
            follower.status();
        } catch (const Error& error) {
            violated(trail().operation + " of " + what, inWords(error), "the outcome Detached");
        }
    };
    database_ = directory_ / "directory";
    fs::create_directory(database_);
    isNoDatabase("a directory");
    database_ = directory_ / "text";
    std::ofstream(database_) << std::string(8192, 'x');
    isNoDatabase("a file of text");
    database_ = directory_ / "no" / "such" / "directory.db";
    isNoDatabase("a file in a directory that does not exist");
}

}  // namespace litestream::conformance
