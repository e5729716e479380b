#pragma once

#include "../sqlite/Attachable.h"
#include "Connection.h"
#include "WalIndex.h"
#include "WalReader.h"

#include <litestream/Types.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

struct sqlite3_file;

namespace litestream::sqlite {

/// SQLite's lock bytes, and where the first of them lies in the -shm file.
inline constexpr int kLockBytes = 120;
inline constexpr int kWriteLock = 0;
inline constexpr int kCheckpointLock = 1;
constexpr int readLock(int reader) noexcept {
    return 3 + reader;
}

class LockConnection;

/// A lock on one byte, given back when the object ends. Its connection must outlive it.
class HeldLock {
public:
    HeldLock() = default;
    HeldLock(HeldLock&& other) noexcept;
    HeldLock& operator=(HeldLock&& other) noexcept;
    ~HeldLock() { release(); }

    explicit operator bool() const noexcept { return connection_ != nullptr; }
    int byte() const noexcept { return byte_; }
    void release() noexcept;

private:
    friend class LockConnection;
    HeldLock(LockConnection* connection, int byte, bool exclusive)
        : connection_(connection), byte_(byte), exclusive_(exclusive) {}

    LockConnection* connection_ = nullptr;
    int byte_ = -1;
    bool exclusive_ = false;
};

/// The one connection through which a database is followed. After it has attached it never runs SQL again: it lends its
/// mapping of the wal-index, its two files, and its locks. Three descriptors for each database.
///
/// Threads: all members may be called from any thread. An image unlocks on another thread than the source locks on, so
/// lock calls are serialised, each for microseconds; SQLite reads files with pread and needs no serialisation there.
class LockConnection {
public:
    /// Opens and attaches. A database in rollback mode is switched to WAL first if `switchToWal`. Throws Refusal.
    LockConnection(const std::filesystem::path& database, bool switchToWal);
    LockConnection(const LockConnection&) = delete;
    LockConnection& operator=(const LockConnection&) = delete;

    const WalIndex& index() const noexcept { return index_; }
    const WalReader& wal() const noexcept { return wal_; }
    FileIdentity file() const noexcept { return file_; }
    const std::filesystem::path& path() const noexcept { return path_; }        ///< as configured
    const std::filesystem::path& walPath() const noexcept { return walPath_; }  ///< symbolic links resolved

    /// Empty as long as the paths lead to the files that this connection has open.
    std::string replaced() const;
    /// The cheaper half of it.
    bool databaseReplaced() const noexcept;

    /// Reads from the database file. Returns false when it ends before the last byte; throws Error for a failed read.
    bool readDatabase(std::uint64_t offset, MutableBytes into) const;
    std::uint64_t databaseBytes() const;

    /// Each of these tries once. Busy and failed locks both give an empty lock.
    HeldLock tryShared(int byte) noexcept;
    HeldLock tryExclusive(int byte) noexcept;
    /// Takes a read lock for ourselves and stores `mark` in its read mark.
    HeldLock tryReader(int reader, std::uint32_t mark) noexcept;
    /// Joins a read lock whatever its users are, if its read mark is not above `highestMark`.
    HeldLock joinReader(int reader, std::uint32_t highestMark) noexcept;

    bool holds(int byte) const noexcept;

    /// True once SQLite refused to give a lock back: only closing the connection helps.
    bool broken() const noexcept { return broken_; }

private:
    friend class HeldLock;
    std::unique_ptr<Connection> openInWalMode(bool switchToWal) const;
    void borrowFiles();
    bool sharedLocked(int byte) noexcept;
    int call(int byte, int flags) noexcept;
    void unlock(int byte, bool exclusive) noexcept;

    std::filesystem::path path_;
    FileIdentity file_;
    InodeClaim claim_;  // ends after the connection is closed
    std::unique_ptr<Connection> connection_;
    sqlite3_file* database_ = nullptr;
    WalIndex index_;
    WalReader wal_{nullptr};
    std::filesystem::path walPath_;
    std::optional<FileIdentity> walFile_;

    mutable std::mutex mutex_;  // guards the lock calls and sharedCount_
    std::array<unsigned, 8>
        sharedCount_{};  // SQLite knows one shared lock per byte and connection; we hand out several
    std::atomic<bool> broken_{false};
};

}  // namespace litestream::sqlite
