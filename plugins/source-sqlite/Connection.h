#pragma once

#include <Poco/Data/Session.h>

#include <filesystem>
#include <string>

struct sqlite3;

namespace litestream::sqlite {

/// Once per process and before the first connection: keeps connections small and makes Poco know SQLite.
void initialiseLibrary();

/// A connection to the user's database that cannot change it by accident: it never checkpoints on its own, never deletes the
/// WAL when it closes, never waits for a lock, does not map the file.
class Connection {
public:
    /// Opens an existing database, applies the settings and reads each one back. Throws Refusal.
    explicit Connection(const std::filesystem::path& database);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    sqlite3* handle() const noexcept { return handle_; }

    /// Reads the database header, which attaches the connection to the wal-index; does not load the schema. Throws Refusal.
    void attach();

    /// Changes the journal mode of a database in rollback mode. Throws Refusal with SQLite's reason.
    void switchToWal();

private:
    void applySettings();
    std::string query(const char* sql);

    Poco::Data::Session session_;
    sqlite3* handle_;
};

}  // namespace litestream::sqlite
