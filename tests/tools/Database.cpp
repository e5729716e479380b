#include "Database.h"

namespace litestream::tools {
namespace {

[[noreturn]] void fail(sqlite3* database, int code, const std::string& what) {
    throw SqliteError(code, what + ": " + (database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code)));
}

}  // namespace

Statement::Statement(sqlite3* database, const char* sql) {
    if (const int code = sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr); code != SQLITE_OK) {
        fail(database, code, sql);
    }
}

Statement& Statement::bind(int index, std::int64_t value) {
    sqlite3_bind_int64(statement_, index, value);
    return *this;
}

Statement& Statement::bind(int index, const void* bytes, std::size_t size) {
    sqlite3_bind_blob64(statement_, index, bytes, size, SQLITE_STATIC);
    return *this;
}

bool Statement::step() {
    const int code = sqlite3_step(statement_);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        sqlite3* database = sqlite3_db_handle(statement_);
        const int extended = sqlite3_extended_errcode(database);
        const std::string what = sqlite3_sql(statement_);
        const std::string message = sqlite3_errmsg(database);
        sqlite3_reset(statement_);
        throw SqliteError(extended, what + ": " + message);
    }
    return code == SQLITE_ROW;
}

void Statement::run() {
    while (step()) {
    }
    reset();
}

std::string Statement::text(int column) {
    const auto* bytes = sqlite3_column_text(statement_, column);
    return bytes == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(bytes), size(column));
}

Database::Database(const std::string& nameOrUri, int flags) {
    if (const int code = sqlite3_open_v2(nameOrUri.c_str(), &handle_, flags | SQLITE_OPEN_URI, nullptr); code != SQLITE_OK) {
        const std::string message = "open " + nameOrUri + ": " + (handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code));
        sqlite3_close_v2(handle_);
        throw SqliteError(code, message);
    }
}

void Database::execute(const std::string& sql) {
    if (const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr); code != SQLITE_OK) {
        fail(handle_, sqlite3_extended_errcode(handle_), sql);
    }
}

std::int64_t Database::integer(const std::string& sql) {
    Statement statement(handle_, sql.c_str());
    return statement.step() ? statement.integer(0) : 0;
}

}  // namespace litestream::tools
