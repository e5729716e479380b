#include "DatabaseFile.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace litestream::journal {
namespace {

std::unique_ptr<sqlite3, int (*)(sqlite3*)> openReadOnly(const std::filesystem::path& database) {
    sqlite3* handle = nullptr;
    const int rc = sqlite3_open_v2(database.c_str(), &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
    std::unique_ptr<sqlite3, int (*)(sqlite3*)> connection(handle, &sqlite3_close);
    if (rc != SQLITE_OK) {
        throw Refusal(std::string("open: ") + (handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(rc)));
    }
    return connection;
}

}  // namespace

void SharedLock::release() noexcept {
    if (auto* file = std::exchange(file_, nullptr)) file->pMethods->xUnlock(file, SQLITE_LOCK_NONE);
}

DatabaseFile::DatabaseFile(const std::filesystem::path& database)
    : path_(database), identity_(sqlite::identify(database)), claim_(identity_), connection_(openReadOnly(database)) {
    sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file_);
    if (file_ == nullptr || file_->pMethods == nullptr) throw Refusal("SQLite has no file open");
    // A mapped file would end the process if somebody truncated it.
    sqlite3_int64 mapped = 0;
    sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_MMAP_SIZE, &mapped);
    realPath_ = sqlite3_db_filename(connection_.get(), "main");
    // Between the look at the path and the opening another file may have taken its place.
    int moved = 0;
    file_->pMethods->xFileControl(file_, SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved != 0 || !replaced().empty()) throw Refusal("the database was replaced while it was opened");
}

std::string DatabaseFile::replaced() const {
    const auto now = sqlite::identityOf(path_);
    if (now == identity_) return {};
    return now ? "the database file was replaced" : "the database file was removed";
}

SharedLock DatabaseFile::tryLock() noexcept {
    if (file_->pMethods->xLock(file_, SQLITE_LOCK_SHARED) != SQLITE_OK) return {};
    return SharedLock(file_);
}

bool DatabaseFile::writerIsActive() const noexcept {
    int reserved = 0;
    return file_->pMethods->xCheckReservedLock(file_, &reserved) != SQLITE_OK || reserved != 0;
}

// SQLite's own rule: a journal is hot if its header has not been zeroed and nobody has a write transaction open. Such a transaction
// began with the same check, so its journal is its own and the file is whole. With SHARED held a hot journal cannot come into being.
bool DatabaseFile::journalIsHot() const {
    const std::string journal = realPath_.string() + "-journal";
    struct stat info {};
    if (::stat(journal.c_str(), &info) != 0) {
        if (errno == ENOENT) return false;
        throw systemError("stat " + journal, errno);
    }
    if (info.st_size == 0 || writerIsActive()) return false;
    const int descriptor = ::open(journal.c_str(), O_RDONLY | O_CLOEXEC);  // a journal is never locked
    if (descriptor < 0) {
        if (errno == ENOENT) return false;
        throw systemError("open " + journal, errno);
    }
    char first = 0;
    const ssize_t got = ::read(descriptor, &first, 1);
    const int failure = errno;
    ::close(descriptor);
    if (got < 0) throw systemError("read " + journal, failure);
    // A writer may have begun since: then the header is its own.
    return got == 1 && first != 0 && !writerIsActive();
}

DatabaseHeader DatabaseFile::header() const {
    std::array<std::byte, DatabaseHeader::kBytes> bytes;
    read(0, bytes);
    const auto header = DatabaseHeader::parse(bytes);
    if (!header) throw Refusal("not a SQLite database, or an encrypted one");
    return *header;
}

FileStamp DatabaseFile::stamp(const DatabaseHeader& header) const {
    struct stat info {};
    if (::stat(path_.c_str(), &info) != 0) throw Refusal("the database file was removed");
    FileStamp stamp{header.changeCounter, header.pages, 0};
    if (stamp.pages == 0) stamp.pages = static_cast<std::uint32_t>(info.st_size / header.pageSize);
    stamp.changedNs = std::int64_t{info.st_ctim.tv_sec} * 1'000'000'000 + info.st_ctim.tv_nsec;
    return stamp;
}

void DatabaseFile::requireRollbackMode(const DatabaseHeader& header) const {
    if (header.wal) throw Refusal("the journal mode is WAL. The source \"sqlite\" follows such a database");
    struct stat info {};
    const std::string wal = realPath_.string() + "-wal";
    if (::stat(wal.c_str(), &info) == 0 && info.st_size > 0) {
        throw Refusal("a -wal file lies beside the database, so SQLite takes its journal mode for WAL");
    }
}

void DatabaseFile::read(std::uint64_t offset, MutableBytes into) const {
    const int rc = file_->pMethods->xRead(file_, into.data(), static_cast<int>(into.size()),
                                          static_cast<sqlite3_int64>(offset));
    if (rc == SQLITE_OK) return;
    if (rc == SQLITE_IOERR_SHORT_READ) throw Refusal("the file is shorter than its header says");
    throw Error(ErrorCode::Transient, "read " + path_.string() + ": " + sqlite3_errstr(rc));
}

}  // namespace litestream::journal
