#include "SourceSuite.h"

#include <algorithm>
#include <fstream>

namespace litestream::conformance {

namespace {

namespace fs = std::filesystem;

/// What SQLite's header says about the journal: bytes 18 and 19.
std::string journalBytes(const fs::path& database) {
    std::ifstream file(database, std::ios::binary);
    std::string header(20, '\0');
    file.read(header.data(), 20);
    return header.substr(18);
}

}  // namespace

LITESTREAM_CLAUSE(SourceSuite, WritesNothingIntoTheDatabase, "Source.h",
                  "A source never writes to the user's database") {
    DatabaseClient client(database_);
    create(client);
    client.must(insertRows(50));
    const std::string before = client.image();
    const std::string version = client.must("PRAGMA data_version");
    const std::string mode = journalBytes(database_);
    {
        Follower follower = follow();
        if (!attach(follower)) return;
        follower.captureAll();
        Follower::contentOf(*follower.image(), 10);
        follower.detach();
        follower.attach(true);
        follower.captureAll();
    }
    expectBytes("attach, capture, image, detach: the database", client.image(), before);
    expectSame("attach, capture, image, detach: PRAGMA data_version of another connection",
               client.must("PRAGMA data_version"), version);
    expectTrue("attach, capture, image, detach: journal mode in the file", journalBytes(database_) == mode,
               "another one", "as it was");
}

LITESTREAM_CLAUSE(SourceSuite, NeverMakesWritersWait, "Source.h", "and never makes its writers wait.") {
    DatabaseClient client(database_);
    create(client);
    Follower follower = follow();
    if (!attach(follower)) return;
    int failures = 0;
    std::string first;
    for (int i = 0; i < 100; ++i) {
        client.send(kInsert);
        follower.capture();
        const DatabaseClient::Answer answer = client.receive();
        if (answer.rc == 0) continue;
        if (++failures == 1) first = answer.text;
    }
    expectTrue("100 commits while the source captures", failures == 0,
               std::to_string(failures) + " refused by SQLite: " + first, "none refused");
    expectCopyIsDatabase("after 100 commits beside it", follower, client);
}

LITESTREAM_CLAUSE(SourceSuite, ImageStaysAsItIs, "Source.h",
                  "A consistent image of a database, pinned while the object lives.") {
    DatabaseClient client(database_);
    create(client);
    client.must(insertRows(400));
    Follower follower = follow();
    if (!attach(follower)) return;
    for (std::uint32_t round = 0; round < 4; ++round) {
        client.must("UPDATE t SET a=randomblob(500) WHERE id%5=" + std::to_string(round));
        follower.captureAll();
        const auto image = follower.image();
        const std::string expected = follower.copy();
        // Commits, checkpoints and captures go on beside the image, and nobody holds up the application.
        for (const std::string& script : {std::string(kUpdateAll), insertRows(30)}) {
            const DatabaseClient::Answer answer = client.run(script);
            if (!expectTrue("commit while an image is held", answer.rc == 0, "SQLite said: " + answer.text, "success"))
                return;
            if (isWal()) client.run("PRAGMA wal_checkpoint(TRUNCATE)");
            follower.captureAll();
        }
        if (!expectBytes("read an image while others commit", Follower::contentOf(*image, 1 + round * 20), expected))
            return;
        expectSame("pages in the image", std::size_t{image->pageCount()} * image->pageSize(), expected.size());
    }
    expectCopyIsDatabase("after images were held", follower, client);
}

LITESTREAM_CLAUSE(SourceSuite, ImageIsTheStateOfItsPosition, "Source.h",
                  "an image of exactly the state at the last captured position") {
    DatabaseClient client(database_);
    create(client);
    client.must(insertRows(100));
    Follower follower = follow();
    if (!attach(follower)) return;
    for (int round = 0; round < 3; ++round) {
        client.must(kUpdateAll);
        follower.captureAll();
        const auto image = follower.image();
        expectTrue("image: its position", image->position() == follower.position(),
                   "another position than the last capture's", "the position of the last capture");
        expectBytes("image: its content", Follower::contentOf(*image, 7), follower.copy());
    }
}

LITESTREAM_CLAUSE(SourceSuite, LetsTheLogBeRecycled, "Source.h", "the log up to there may be recycled.") {
    if (!isWal()) GTEST_SKIP() << "a database in rollback mode has no log that grows";
    DatabaseClient client(database_);
    create(client);
    Follower follower = follow();
    if (!attach(follower)) return;
    const fs::path wal = database_.string() + "-wal";
    std::uintmax_t largest = 0;
    std::uintmax_t written = 0;
    for (int i = 0; i < 60; ++i) {
        client.must("INSERT INTO t(a) VALUES(zeroblob(400000)); DELETE FROM t WHERE id%2");
        written += 400000;
        follower.captureAll();
        if (fs::exists(wal)) largest = std::max(largest, fs::file_size(wal));
    }
    expectTrue("60 commits of 400 kB, each one captured and released: the largest -wal", largest < written / 2,
               std::to_string(largest) + " bytes",
               "SQLite's own checkpoints (every 1000 pages) keep it below half of what was written");
    expectCopyIsDatabase("after that", follower, client);
}

LITESTREAM_CLAUSE(SourceSuite, WakesWhenSomethingWasCommitted, "Source.h",
                  "something was committed; core may wait for its next cut") {
    DatabaseClient client(database_);
    create(client);
    Follower follower = follow();
    if (!attach(follower)) return;
    for (int round = 0; round < 3; ++round) {
        follower.captureAll();
        follower.forgetWakes();
        client.must(kInsert);
        if (!expectTrue("wait 5 s after a commit", follower.waitFor({Wake::Changed, Wake::Pressing}), "no wake",
                        "the wake Changed or Pressing"))
            return;
        expectCopyIsDatabase("at the wake", follower, client);
    }
}

}  // namespace litestream::conformance
