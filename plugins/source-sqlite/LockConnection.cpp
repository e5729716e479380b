#include "LockConnection.h"

#include <litestream/Error.h>

#include <sqlite3.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace litestream::sqlite {

HeldLock::HeldLock(HeldLock&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)), byte_(other.byte_), exclusive_(other.exclusive_) {}

HeldLock& HeldLock::operator=(HeldLock&& other) noexcept {
    if (this != &other) {
        release();
        connection_ = std::exchange(other.connection_, nullptr);
        byte_ = other.byte_;
        exclusive_ = other.exclusive_;
    }
    return *this;
}

void HeldLock::release() noexcept {
    if (auto* connection = std::exchange(connection_, nullptr)) connection->unlock(byte_, exclusive_);
}

LockConnection::LockConnection(const std::filesystem::path& database, bool switchToWal)
    : path_(database), file_(identify(database)), claim_(file_), connection_(openInWalMode(switchToWal)) {
    borrowFiles();
    // Between the look at the path and the opening another file may have taken its place.
    int moved = 0;
    database_->pMethods->xFileControl(database_, SQLITE_FCNTL_HAS_MOVED, &moved);
    if (auto reason = replaced(); moved != 0 || !reason.empty())
        throw Refusal("the database was replaced while it was opened");
    const auto header = index_.header();
    if (header && header->iVersion != WalIndex::kVersion) {
        throw Refusal("the wal-index has version " + std::to_string(header->iVersion) + ", known is " +
                      std::to_string(WalIndex::kVersion));
    }
}

std::unique_ptr<Connection> LockConnection::openInWalMode(bool switchToWal) const {
    // Bytes 18 and 19 of the file say whether the journal mode is WAL, 2, or not, 1.
    const auto hasMode = [](const Connection& connection, unsigned char mode) {
        sqlite3_file* file = nullptr;
        sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
        std::array<unsigned char, 2> versions{};
        if (file->pMethods->xRead(file, versions.data(), 2, 18) != SQLITE_OK) return false;
        return versions[0] == mode && versions[1] == mode;
    };
    const auto refuseRollbackMode = [] {
        throw Refusal(
            "the journal mode is not WAL. Run PRAGMA journal_mode=WAL, set journal-mode-wal = true, or let the source "
            "\"journal\" follow the database as it is");
    };
    auto connection = std::make_unique<Connection>(path_);
    // SQLite would roll back a journal that a dead process has left: not ours to do in a database that we leave alone.
    if (!switchToWal && hasMode(*connection, 1)) refuseRollbackMode();
    connection->attach();
    if (hasMode(*connection, 2)) return connection;
    if (!switchToWal) refuseRollbackMode();
    connection->switchToWal();
    // That loaded the schema; a fresh connection does without.
    connection = nullptr;
    connection = std::make_unique<Connection>(path_);
    connection->attach();
    if (!hasMode(*connection, 2)) throw Refusal("the journal mode was changed back from WAL at once");
    return connection;
}

void LockConnection::borrowFiles() {
    sqlite3* handle = connection_->handle();
    sqlite3_file* wal = nullptr;
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &database_);
    sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
    if (database_ == nullptr || database_->pMethods == nullptr || database_->pMethods->iVersion < 2) {
        throw Refusal("SQLite's VFS offers no shared memory");
    }
    volatile void* region = nullptr;
    const int rc = database_->pMethods->xShmMap(database_, 0, WalIndex::kRegionBytes, 0, &region);
    if (rc != SQLITE_OK || region == nullptr) {
        throw Refusal(std::string("map the wal-index: ") + (rc == SQLITE_OK ? "it is missing" : sqlite3_errstr(rc)));
    }
    if (wal == nullptr || wal->pMethods == nullptr) throw Refusal("SQLite has no WAL open");
    index_ = WalIndex(region);
    // We read the header's page alone, for as long as the database is followed. The kernel maps its neighbours with it; without
    // them an idle database has 4 KiB of this in memory, not 32. They stay in the page cache, and come back when SQLite wants them.
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    ::madvise(static_cast<char*>(const_cast<void*>(region)) + page, WalIndex::kRegionBytes - page, MADV_DONTNEED);
    wal_ = WalReader(wal);
    walPath_ = std::string(sqlite3_db_filename(handle, "main")) + "-wal";
    walFile_ = identityOf(walPath_);
}

bool LockConnection::databaseReplaced() const noexcept {
    return identityOf(path_) != file_;
}

std::string LockConnection::replaced() const {
    if (databaseReplaced())
        return identityOf(path_) ? "the database file was replaced" : "the database file was removed";
    const auto wal = identityOf(walPath_);
    if (!wal) return "the -wal file was removed";
    if (wal != walFile_) return "the -wal file was replaced";
    return {};
}

bool LockConnection::readDatabase(std::uint64_t offset, MutableBytes into) const {
    const int rc = database_->pMethods->xRead(database_, into.data(), static_cast<int>(into.size()),
                                              static_cast<sqlite3_int64>(offset));
    if (rc == SQLITE_OK) return true;
    if (rc == SQLITE_IOERR_SHORT_READ) return false;
    throw Error(ErrorCode::Transient, "read " + path_.string() + ": " + sqlite3_errstr(rc));
}

std::uint64_t LockConnection::databaseBytes() const {
    sqlite3_int64 size = 0;
    const int rc = database_->pMethods->xFileSize(database_, &size);
    if (rc != SQLITE_OK) throw Error(ErrorCode::Transient, "size of " + path_.string() + ": " + sqlite3_errstr(rc));
    return static_cast<std::uint64_t>(size);
}

int LockConnection::call(int byte, int flags) noexcept {
    return database_->pMethods->xShmLock(database_, byte, 1, flags);
}

/// With mutex_ held.
bool LockConnection::sharedLocked(int byte) noexcept {
    auto& count = sharedCount_[static_cast<std::size_t>(byte)];
    if (count == 0 && call(byte, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED) != SQLITE_OK) return false;
    ++count;
    return true;
}

HeldLock LockConnection::tryShared(int byte) noexcept {
    const std::lock_guard lock(mutex_);
    if (!sharedLocked(byte)) return {};
    return {this, byte, false};
}

HeldLock LockConnection::tryExclusive(int byte) noexcept {
    const std::lock_guard lock(mutex_);
    // SQLite would turn our own shared lock into an exclusive one.
    if (sharedCount_[static_cast<std::size_t>(byte)] != 0) return {};
    if (call(byte, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE) != SQLITE_OK) return {};
    return {this, byte, true};
}

HeldLock LockConnection::tryReader(int reader, std::uint32_t mark) noexcept {
    HeldLock exclusive = tryExclusive(readLock(reader));
    if (!exclusive) return {};
    // Only the exclusive lock allows the mark to change: nobody relies on the old one now.
    index_.setReadMark(reader, mark);
    exclusive.release();
    // Between the two locks another reader may take the byte and store its own mark; then it is not ours.
    HeldLock shared = tryShared(readLock(reader));
    if (shared && index_.readMark(reader) != mark) shared.release();
    return shared;
}

HeldLock LockConnection::joinReader(int reader, std::uint32_t highestMark) noexcept {
    if (index_.readMark(reader) > highestMark) return {};
    HeldLock shared = tryShared(readLock(reader));
    // From here on nobody can change the mark.
    if (shared && index_.readMark(reader) > highestMark) shared.release();
    return shared;
}

bool LockConnection::holds(int byte) const noexcept {
    const std::lock_guard lock(mutex_);
    return sharedCount_[static_cast<std::size_t>(byte)] != 0;
}

void LockConnection::unlock(int byte, bool exclusive) noexcept {
    const std::lock_guard lock(mutex_);
    if (!exclusive && --sharedCount_[static_cast<std::size_t>(byte)] != 0) return;
    if (call(byte, SQLITE_SHM_UNLOCK | (exclusive ? SQLITE_SHM_EXCLUSIVE : SQLITE_SHM_SHARED)) != SQLITE_OK)
        broken_ = true;
}

}  // namespace litestream::sqlite
