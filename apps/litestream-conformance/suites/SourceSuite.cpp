#include "SourceSuite.h"

namespace litestream::conformance {

namespace {

std::string inWords(Attachment::Outcome outcome) {
    switch (outcome) {
        case Attachment::Outcome::Proved:
            return "Proved";
        case Attachment::Outcome::Lost:
            return "Lost";
        case Attachment::Outcome::Detached:
            return "Detached";
    }
    return "the unknown outcome " + std::to_string(static_cast<int>(outcome));
}

std::string inWords(Capture::Outcome outcome) {
    switch (outcome) {
        case Capture::Outcome::Unchanged:
            return "Unchanged";
        case Capture::Outcome::Captured:
            return "Captured";
        case Capture::Outcome::More:
            return "More";
        case Capture::Outcome::Lost:
            return "Lost";
        case Capture::Outcome::Detached:
            return "Detached";
    }
    return "the unknown outcome " + std::to_string(static_cast<int>(outcome));
}

template <class Found, class Outcome>
bool compareOutcome(const std::string& done, const Found& seen, Outcome expected) {
    return expectTrue(done, seen.outcome == expected,
                      inWords(seen.outcome) + (seen.reason.empty() ? "" : ": " + seen.reason), inWords(expected));
}

}  // namespace

bool expectOutcome(const std::string& done, const Attachment& seen, Attachment::Outcome expected) {
    return compareOutcome(done, seen, expected);
}

bool expectOutcome(const std::string& done, const Capture& seen, Capture::Outcome expected) {
    return compareOutcome(done, seen, expected);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SourceSuite);

void createDatabase(DatabaseClient& client, const std::string& journalMode, int pageSize) {
    client.must("PRAGMA page_size=" + std::to_string(pageSize));
    client.must("PRAGMA journal_mode=" + journalMode);
    client.must("PRAGMA synchronous=OFF");
    // Where a source has to read under a lock that keeps a rollback journal's writers out, an application waits as it does for any other reader.
    client.must(journalMode == "wal" ? "PRAGMA busy_timeout=0" : "PRAGMA busy_timeout=10000");
    client.must("CREATE TABLE t(id INTEGER PRIMARY KEY, a BLOB)");
}

std::string insertRows(int count) {
    return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<" + std::to_string(count) +
           ") INSERT INTO t(a) SELECT randomblob(500) FROM n";
}

void SourceSuite::SetUp() {
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    directory_ = GetParam().directory / test.substr(0, test.find('/'));
    std::filesystem::create_directories(directory_);
    database_ = directory_ / "app.db";
}

void SourceSuite::TearDown() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

bool SourceSuite::attach(Follower& follower, bool resume) const {
    const Attachment found = follower.attach(resume);
    return expectTrue("attach to a database in journal mode " + GetParam().journalMode,
                      found.outcome != Attachment::Outcome::Detached, "Detached: " + found.reason, "Proved or Lost");
}

bool SourceSuite::expectCopyIsDatabase(const std::string& when, Follower& follower, DatabaseClient& client) const {
    if (!expectTrue("capture " + when, follower.captureAll(), "Detached", "Captured")) return false;
    return expectBytes("capture " + when + ": the copy made from what it brought", follower.copy(), client.image());
}

}  // namespace litestream::conformance
