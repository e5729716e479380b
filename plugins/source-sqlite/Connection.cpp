#include "Connection.h"

#include "../sqlite/Attachable.h"

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/SQLite/Utility.h>
#include <Poco/Exception.h>

#include <sqlite3.h>

#include <cctype>
#include <memory>
#include <mutex>

namespace litestream::sqlite {
namespace {

/// As a URI, because only there "open what exists, never create" can be said.
std::string uriOf(const std::filesystem::path& database) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string uri = "file:";
    for (const char c : database.string()) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0 || c == '/' || c == '.' || c == '-' || c == '_') {
            uri += c;
        } else {
            uri += {'%', kHex[byte >> 4], kHex[byte & 15]};
        }
    }
    return uri + "?mode=rw";
}

Poco::Data::Session openSession(const std::filesystem::path& database) {
    try {
        return Poco::Data::Session(Poco::Data::SQLite::Connector::KEY, uriOf(database));
    } catch (const Poco::Exception& error) {
        throw Refusal("open: " + error.displayText());
    }
}

[[noreturn]] void refuse(int rc) {
    switch (rc & 0xff) {
        case SQLITE_NOTADB:
            throw Refusal("not a SQLite database, or an encrypted one");
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            throw Refusal(
                "database is locked: another process recovers it, writes in rollback mode, or uses "
                "locking_mode=EXCLUSIVE, which must be "
                "switched off");
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_CANTOPEN:
            throw Refusal(
                std::string(
                    "no write access to the database, its -wal, its -shm or their directory, which locking needs: ") +
                sqlite3_errstr(rc));
        default:
            throw Refusal(sqlite3_errstr(rc));
    }
}

}  // namespace

void initialiseLibrary() {
    static std::once_flag once;
    std::call_once(once, [] {
        // Without these, every idle connection reserves a page cache. They are refused when the program has used SQLite before;
        // then connections are merely larger.
        sqlite3_config(SQLITE_CONFIG_PAGECACHE, nullptr, 0, 0);
        sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
        Poco::Data::SQLite::Connector::registerConnector();
    });
}

Connection::Connection(const std::filesystem::path& database)
    : session_(openSession(database)), handle_(Poco::Data::SQLite::Utility::dbHandle(session_)) {
    applySettings();
}

void Connection::applySettings() {
    sqlite3_busy_timeout(handle_, 0);
    sqlite3_wal_autocheckpoint(handle_, 0);
    if (query("PRAGMA busy_timeout") != "0") throw Refusal("the setting busy_timeout=0 did not apply");
    if (query("PRAGMA wal_autocheckpoint") != "0") throw Refusal("the setting wal_autocheckpoint=0 did not apply");

    int persist = 1;
    sqlite3_file_control(handle_, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
    persist = -1;
    if (sqlite3_file_control(handle_, "main", SQLITE_FCNTL_PERSIST_WAL, &persist) != SQLITE_OK || persist != 1) {
        throw Refusal("the setting PERSIST_WAL did not apply");
    }
    sqlite3_int64 mapped = 0;
    sqlite3_file_control(handle_, "main", SQLITE_FCNTL_MMAP_SIZE, &mapped);
    mapped = -1;
    sqlite3_file_control(handle_, "main", SQLITE_FCNTL_MMAP_SIZE, &mapped);
    if (mapped > 0) throw Refusal("the setting mmap_size=0 did not apply");
}

std::string Connection::query(const char* sql) {
    sqlite3_stmt* raw = nullptr;
    int rc = sqlite3_prepare_v2(handle_, sql, -1, &raw, nullptr);
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, &sqlite3_finalize);
    if (rc == SQLITE_OK) rc = sqlite3_step(raw);
    if (rc != SQLITE_ROW) refuse(rc == SQLITE_DONE ? SQLITE_ERROR : rc);
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(raw, 0));
    return text != nullptr ? text : "";
}

void Connection::attach() {
    query("PRAGMA schema_version");
    if (sqlite3_db_readonly(handle_, "main") != 0) refuse(SQLITE_READONLY);
    sqlite3_db_release_memory(handle_);
}

void Connection::switchToWal() {
    const std::string mode = query("PRAGMA journal_mode=WAL");
    if (mode != "wal") throw Refusal("the journal mode stays '" + mode + "' although WAL was asked for");
}

}  // namespace litestream::sqlite
