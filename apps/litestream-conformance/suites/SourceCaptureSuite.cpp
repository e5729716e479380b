#include "SourceSuite.h"
#include "Trail.h"

#include <algorithm>
#include <vector>

namespace litestream::conformance {

namespace {

/// Without a repair after Lost: the database is in a state in which it may have to wait.
Capture captureAsIs(Follower& follower) {
    return witnessed("capture", [&] { return follower.source().capture(std::uint64_t{32} << 20, follower.sink()); });
}

}  // namespace

LITESTREAM_CLAUSE(SourceSuite, NothingNewIsUnchanged, "Source.h", "nothing new was committed") {
    DatabaseClient client(database_);
    create(client);
    Follower follower = follow();
    if (!attach(follower)) return;
    follower.captureAll();
    client.must("SELECT count(*) FROM t");
    expectOutcome("capture when nothing was committed", follower.capture(), Capture::Outcome::Unchanged);
    expectCopyIsDatabase("when nothing was committed", follower, client);
}

LITESTREAM_CLAUSE(SourceSuite, BringsEveryCommit, "Source.h",
                  "Hands to `sink` all pages of transactions committed since the last call") {
    DatabaseClient client(database_);
    create(client);
    Follower follower = follow();
    if (!attach(follower)) return;
    for (const std::string& script :
         {insertRows(50), std::string(kInsert), std::string("DELETE FROM t WHERE id%3=0"), std::string(kUpdateAll),
          std::string("CREATE INDEX byA ON t(a)"), std::string("PRAGMA user_version=7"), insertRows(200)}) {
        client.must(script);
        if (!expectCopyIsDatabase("after \"" + script.substr(0, 40) + "\"", follower, client)) return;
    }
    // Several commits before one capture, by several connections.
    DatabaseClient other(database_);
    for (int i = 0; i < 5; ++i) {
        client.must(kInsert);
        other.must("UPDATE t SET a=randomblob(400) WHERE id%7=" + std::to_string(i));
    }
    expectCopyIsDatabase("after ten commits of two applications", follower, client);
}

/// A small cache makes SQLite write pages of a transaction that is not committed yet.
LITESTREAM_CLAUSE(SourceSuite, ShipsNoUncommittedPage, "Source.h", "The content of page `number` after a commit") {
    DatabaseClient client(database_);
    create(client);
    client.must(insertRows(500));
    client.must("PRAGMA cache_size=10");
    Follower follower = follow();
    if (!attach(follower)) return;
    for (const char* end : {"ROLLBACK", "COMMIT"}) {
        const std::string committed = client.image();
        follower.captureAll();
        client.must("BEGIN; UPDATE t SET a=randomblob(500); UPDATE t SET a=randomblob(400) WHERE id%2");
        const Capture inside = captureAsIs(follower);
        if (inside.outcome == Capture::Outcome::Captured || inside.outcome == Capture::Outcome::More) {
            follower.apply(inside);
            expectBytes("capture in the middle of a transaction: the copy made from what it brought", follower.copy(),
                        committed);
        }
        client.must(end);
        expectCopyIsDatabase(std::string("after ") + end, follower, client);
    }
}

LITESTREAM_CLAUSE(SourceSuite, ShipsNothingOfATransactionThatDied, "Source.h",
                  "The content of page `number` after a commit") {
    std::string committed;
    Follower follower = follow();
    {
        DatabaseClient client(database_);
        create(client);
        client.must(insertRows(500));
        client.must("PRAGMA cache_size=10");
        if (!attach(follower)) return;
        committed = client.image();
        follower.captureAll();
        client.must("BEGIN; UPDATE t SET a=randomblob(500)");
        client.kill();
    }
    const Capture after = captureAsIs(follower);
    if (after.outcome == Capture::Outcome::Captured || after.outcome == Capture::Outcome::More) {
        follower.apply(after);
        expectBytes("capture after the application died in a transaction: the copy", follower.copy(), committed);
    }
    DatabaseClient client(database_);
    client.must("PRAGMA busy_timeout=10000");
    expectBytes("what SQLite reads after the application died in a transaction", client.image(), committed);
    expectCopyIsDatabase("after another application came", follower, client);
    client.must(kInsert);
    expectCopyIsDatabase("after that one committed", follower, client);
}

LITESTREAM_CLAUSE(SourceSuite, StopsAtACommitWhenTheBudgetIsUsedUp, "Source.h",
                  "stopping at the first commit at which `budgetBytes` are used up.") {
    DatabaseClient client(database_);
    create(client);
    Follower follower = follow();
    if (!attach(follower)) return;
    follower.captureAll();
    std::vector<std::string> states;
    for (int i = 0; i < 5; ++i) {
        client.must(insertRows(60));
        states.push_back(client.image());
    }
    std::size_t reached = 0;
    for (int calls = 0; calls < 10; ++calls) {
        const Capture::Outcome outcome = follower.capture(1).outcome;
        if (outcome == Capture::Outcome::Unchanged) break;
        const auto state = std::find(states.begin(), states.end(), follower.copy());
        const std::string done = "capture with a budget of 1 byte, call " + std::to_string(calls + 1);
        if (!expectTrue(done, state != states.end(), "a copy that is no state between two transactions",
                        "the state after one of the commits"))
            return;
        const auto index = static_cast<std::size_t>(state - states.begin());
        expectTrue(done, index >= reached, "an earlier state again", "a later state");
        expectTrue(done, outcome != Capture::Outcome::Captured || index + 1 == states.size(),
                   "Captured before the last commit", "More");
        reached = index;
    }
    expectCopyIsDatabase("at last", follower, client);
}

LITESTREAM_CLAUSE(SourceSuite, ASinkWithoutRoomEndsAsLost, "Source.h",
                  "Throws Error when there is no room for it; the pass then ends as Lost.") {
    DatabaseClient client(database_);
    create(client);
    Follower follower = follow();
    if (!attach(follower)) return;
    follower.captureAll();
    client.must(insertRows(20));
    follower.refusePages(true);
    const Capture refused = witnessed("capture into a sink that throws Error(disk full)",
                                      [&] { return follower.source().capture(1 << 20, follower.sink()); });
    expectOutcome("capture into a sink that throws Error(disk full)", refused, Capture::Outcome::Lost);
    follower.refusePages(false);
    expectCopyIsDatabase("after the image that follows", follower, client);
}

LITESTREAM_CLAUSE(SourceSuite, FollowsGrowthAndShrinkage, "Source.h", "pages in the database after it") {
    DatabaseClient client(database_);
    client.must("PRAGMA auto_vacuum=INCREMENTAL");
    create(client);
    Follower follower = follow();
    if (!attach(follower)) return;
    for (int i = 0; i < 4; ++i) {
        client.must(insertRows(400));
        client.must("DELETE FROM t WHERE id%2");
        if (i % 2 == 0) client.must("VACUUM");
        client.must("PRAGMA incremental_vacuum(5)");
        client.must(insertRows(3));
        client.must("PRAGMA incremental_vacuum");
        if (!expectCopyIsDatabase("after growth, DELETE and VACUUM", follower, client)) return;
    }
    client.must("DELETE FROM t");
    client.must("VACUUM");
    expectCopyIsDatabase("after everything was deleted", follower, client);
}

LITESTREAM_CLAUSE(SourceSuite, FollowsEveryPageSize, "Source.h", "bytes; 0 when Detached") {
    for (int size = 512; size <= 65536; size *= 2) {
        database_ = directory_ / (std::to_string(size) + ".db");
        DatabaseClient client(database_);
        create(client, size);
        Follower follower = follow();
        const Attachment found = follower.attach();
        if (!expectTrue("attach to a database with pages of " + std::to_string(size),
                        found.outcome != Attachment::Outcome::Detached, found.reason, "Lost"))
            return;
        expectSame("attach: page size", found.pageSize, static_cast<std::uint32_t>(size));
        client.must(insertRows(100));
        expectCopyIsDatabase("with pages of " + std::to_string(size), follower, client);
    }
}

/// VACUUM with another page size is possible in rollback mode only.
LITESTREAM_CLAUSE(SourceSuite, FollowsAChangeOfThePageSize, "Source.h",
                  "continuity is gone; whatever the sink got since the last cut must be thrown away; image() is next") {
    if (isWal()) GTEST_SKIP() << "the page size of a database in WAL mode cannot change";
    DatabaseClient client(database_);
    create(client);
    client.must(insertRows(100));
    Follower follower = follow();
    if (!attach(follower)) return;
    client.must("PRAGMA page_size=8192");
    client.must("VACUUM");
    if (!follower.captureAll()) attach(follower, true);
    expectCopyIsDatabase("after VACUUM with another page size", follower, client);
}

LITESTREAM_CLAUSE(SourceSuite, KeepsUpWithAWriterThatNeverRests, "Source.h",
                  "After Proved or Lost nothing that is committed can escape until detach().") {
    DatabaseClient client(database_);
    create(client);
    client.must("PRAGMA cache_size=10");
    client.must(insertRows(300));
    Follower follower = follow();
    if (!attach(follower)) return;
    for (int round = 0; round < 30; ++round) {
        client.send(round % 5 == 4   ? "BEGIN; UPDATE t SET a=randomblob(500); ROLLBACK"
                    : round % 3 == 2 ? "DELETE FROM t WHERE id%11=" + std::to_string(round % 11)
                                     : insertRows(40));
        for (int i = 0; i < 10; ++i) follower.capture();
        const DatabaseClient::Answer answer = client.receive();
        if (!expectTrue("commit while the source captures", answer.rc == 0, "SQLite said: " + answer.text, "success"))
            return;
        if (isWal() && round % 7 == 3) client.run("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    expectCopyIsDatabase("after 30 transactions beside it", follower, client);
}

}  // namespace litestream::conformance
