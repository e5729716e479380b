#pragma once

#include "support/Follower.h"
#include "support/SqliteApp.h"
#include "support/TemporaryDirectory.h"

#include <litestream/Source.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace litestream::test {

/// Whether capture `index` found another WAL generation than the position before it.
bool newGeneration(const Follower& follower, std::size_t index);

/// SQLite's lock bytes that this process holds on the database's -shm, by the kernel's account: 0 WRITE, 1 CKPT, 3 READ0, ...
std::set<int> kernelLocks(const std::filesystem::path& database);
/// The lock byte that the source says it guards the log with.
std::set<int> claimedLocks(const Source& source);

/// A directory and a database with one table `t(id INTEGER PRIMARY KEY, a BLOB)` in WAL mode.
class SourceSqlite : public ::testing::Test {
protected:
    /// Ends following and compares the mirror with the database after a full checkpoint, byte for byte.
    void expectMirrorIsDatabase(Follower& follower);
    void expectGuardIsReal(Follower& follower);

    std::filesystem::path walPath() const { return database.string() + "-wal"; }

private:
    TemporaryDirectory temporary_;

protected:
    const std::filesystem::path directory = temporary_.path();
    std::filesystem::path database = directory / "app.db";
};

inline constexpr const char* kCreate = "PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, a BLOB)";
inline constexpr const char* kInsert = "INSERT INTO t(a) VALUES(randomblob(500))";
std::string insertRows(int count);

}  // namespace litestream::test
