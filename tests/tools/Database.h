#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace litestream::tools {

/// What SQLite answered when it was not SQLITE_OK.
class SqliteError : public std::runtime_error {
public:
    SqliteError(int code, const std::string& text) : std::runtime_error(text), code_(code) {}
    int code() const noexcept { return code_; }
    bool busy() const noexcept { return (code_ & 0xff) == SQLITE_BUSY || (code_ & 0xff) == SQLITE_LOCKED; }

private:
    int code_;
};

/// A prepared statement; lives no longer than its database.
class Statement {
public:
    Statement(sqlite3* database, const char* sql);
    ~Statement() { sqlite3_finalize(statement_); }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    Statement& bind(int index, std::int64_t value);
    Statement& bind(int index, const void* bytes, std::size_t size);
    /// True when there is a row.
    bool step();
    /// Steps to the end and makes the statement ready for the next use, also when it throws.
    void run();
    void reset() noexcept { sqlite3_reset(statement_); }

    std::int64_t integer(int column) { return sqlite3_column_int64(statement_, column); }
    std::string text(int column);
    const void* blob(int column) { return sqlite3_column_blob(statement_, column); }
    std::size_t size(int column) { return static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)); }

private:
    sqlite3_stmt* statement_ = nullptr;
};

class Database {
public:
    Database(const std::string& nameOrUri, int flags);
    ~Database() { sqlite3_close_v2(handle_); }
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    void execute(const std::string& sql);
    std::int64_t integer(const std::string& sql);
    sqlite3* handle() const noexcept { return handle_; }

private:
    sqlite3* handle_ = nullptr;
};

}  // namespace litestream::tools
