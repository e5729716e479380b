#pragma once

#include "Clause.h"
#include "DatabaseClient.h"
#include "Expect.h"
#include "Follower.h"

#include <litestream/Source.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>

namespace litestream::conformance {

/// A source that is put through every clause of Source.h. The program that runs the clauses answers to kDatabaseClientArgument.
struct SourceCandidate {
    std::string name;
    Follower::Open open;
    /// Of the databases that it follows: "wal", "delete".
    std::string journalMode;
    /// For the databases; each clause makes a directory of its own in there.
    std::filesystem::path directory;
};

inline std::ostream& operator<<(std::ostream& out, const SourceCandidate& candidate) {
    return out << candidate.name;
}

/// Makes a database with the table t(id, a) in this journal mode.
void createDatabase(DatabaseClient& client, const std::string& journalMode, int pageSize = 4096);
/// SQL that adds `count` rows of 500 random bytes.
std::string insertRows(int count);
inline constexpr const char* kInsert = "INSERT INTO t(a) VALUES(randomblob(500))";
inline constexpr const char* kUpdateAll = "UPDATE t SET a=randomblob(500)";

// What attach() and capture() say, against what they have to say.
bool expectOutcome(const std::string& done, const Attachment& seen, Attachment::Outcome expected);
bool expectOutcome(const std::string& done, const Capture& seen, Capture::Outcome expected);

class SourceSuite : public testing::TestWithParam<SourceCandidate> {
protected:
    void SetUp() override;
    void TearDown() override;

    bool isWal() const { return GetParam().journalMode == "wal"; }
    Follower follow() const { return Follower(GetParam().open, database_); }
    void create(DatabaseClient& client, int pageSize = 4096) const {
        createDatabase(client, GetParam().journalMode, pageSize);
    }
    /// Attaches, which has to work.
    bool attach(Follower& follower, bool resume = false) const;
    /// After capturing all, the copy is what SQLite reads.
    bool expectCopyIsDatabase(const std::string& when, Follower& follower, DatabaseClient& client) const;

    std::filesystem::path directory_;
    std::filesystem::path database_;
};

}  // namespace litestream::conformance
