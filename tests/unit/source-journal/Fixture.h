#pragma once

#include "support/Follower.h"
#include "support/SqliteApp.h"
#include "support/TemporaryDirectory.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace litestream::test {

/// Everything in a directory: name, content, times.
struct FileTrace {
    std::vector<std::byte> content;
    std::int64_t modifiedNs = 0;
    std::int64_t changedNs = 0;
    bool operator==(const FileTrace&) const = default;
};
std::map<std::string, FileTrace> traceOf(const std::filesystem::path& directory);

/// A directory for a database in rollback mode with one table `t(id INTEGER PRIMARY KEY, a BLOB)`.
class SourceJournal : public ::testing::Test {
protected:
    /// Captures what is left and compares the mirror with the file, byte for byte.
    void expectMirrorIsDatabase(Follower& follower);

    /// What SQLite answers when it is asked in the mirror's state.
    std::string askMirror(Follower& follower, const std::string& sql);

    std::filesystem::path journalPath() const { return database.string() + "-journal"; }

private:
    TemporaryDirectory temporary_;
    TemporaryDirectory copies_;

protected:
    const std::filesystem::path directory = temporary_.path();
    std::filesystem::path database = directory / "app.db";
};

/// For tests that are run with several journal modes.
inline std::string nameOf(const ::testing::TestParamInfo<const char*>& mode) { return mode.param; }

/// Sets the journal mode and makes the table.
std::string create(const std::string& mode);
inline constexpr const char* kInsert = "INSERT INTO t(a) VALUES(randomblob(500))";
std::string insertRows(int count);

}  // namespace litestream::test
