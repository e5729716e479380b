#pragma once

#include "../sqlite/Attachable.h"
#include "DatabaseHeader.h"

#include <litestream/Types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>

struct sqlite3;
struct sqlite3_file;

namespace litestream::journal {

using sqlite::FileIdentity;
using sqlite::Refusal;

class DatabaseFile;

/// SQLite's SHARED lock on a database: while it is held nobody writes to the file. Given back when the object ends.
class SharedLock {
public:
    SharedLock() = default;
    SharedLock(SharedLock&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}
    SharedLock& operator=(SharedLock&&) = delete;
    ~SharedLock() { release(); }

    explicit operator bool() const noexcept { return file_ != nullptr; }
    void release() noexcept;

private:
    friend class DatabaseFile;
    explicit SharedLock(sqlite3_file* file) noexcept : file_(file) {}

    sqlite3_file* file_ = nullptr;
};

/// A state of the file. Two states are the same if all of it is.
struct FileStamp {
    std::uint32_t changeCounter = 0;
    std::uint32_t pages = 0;
    std::int64_t changedNs = 0;  ///< the inode's change time, nanoseconds since 1970

    bool operator==(const FileStamp&) const = default;
};

/// A database that is only ever read. It is opened by SQLite, without the right to write, and no SQL is run: the connection lends its file
/// object, so that locks are SQLite's own and no second descriptor drops them when it closes. Neither a journal nor a WAL nor
/// an index of one is ever made, changed or deleted.
///
/// Threads: tryLock() and the lock from one thread at a time; everything else from any thread.
class DatabaseFile {
public:
    /// Throws Refusal if there is no database that could be read.
    explicit DatabaseFile(const std::filesystem::path& database);

    const std::filesystem::path& path() const noexcept { return path_; }
    FileIdentity identity() const noexcept { return identity_; }

    /// Empty as long as the path leads to the file that is open.
    std::string replaced() const;

    /// Tries once. An empty lock if a writer holds or awaits its EXCLUSIVE lock.
    SharedLock tryLock() noexcept;

    /// Whether a write transaction is open. Its commit will need that nobody holds a SharedLock.
    bool writerIsActive() const noexcept;

    /// Under a lock: whether a journal waits to be rolled back, because who wrote it has died. The file is then no state at all.
    bool journalIsHot() const;

    /// Throws Refusal if it is no database any more. Without a lock it may be of a transaction that is not committed.
    DatabaseHeader header() const;

    /// The state that `header` belongs to; a committed one if both were read under one lock.
    FileStamp stamp(const DatabaseHeader& header) const;

    /// Throws Refusal if the database is in WAL mode.
    void requireRollbackMode(const DatabaseHeader& header) const;

    /// Reads whole. Throws Refusal if the file ends before, Error for a failed read.
    void read(std::uint64_t offset, MutableBytes into) const;

private:
    std::filesystem::path path_;
    FileIdentity identity_;
    sqlite::InodeClaim claim_;  // ends after the connection is closed
    std::unique_ptr<sqlite3, int (*)(sqlite3*)> connection_;
    sqlite3_file* file_ = nullptr;
    std::filesystem::path realPath_;  ///< symbolic links resolved: the journal lies beside it
};

}  // namespace litestream::journal
