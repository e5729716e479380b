#pragma once

#include <cstdio>
#include <filesystem>
#include <string>

namespace litestream::conformance {

/// A process with one SQLite connection to the database: the application whose database is followed, and the independent reader. It is never this
/// process, whose locks on the same file belong to the source.
class DatabaseClient {
public:
    /// Starts this very program again, as serveDatabase(). Throws std::system_error.
    explicit DatabaseClient(const std::filesystem::path& database);
    ~DatabaseClient() { close(); }
    DatabaseClient(const DatabaseClient&) = delete;
    DatabaseClient& operator=(const DatabaseClient&) = delete;

    struct Answer {
        int rc = -1;       ///< SQLite's, or -1 when the process is gone
        std::string text;  ///< first column of the last row, or SQLite's error
    };
    Answer run(const std::string& script);
    /// Throws std::runtime_error unless the script succeeds: then it is the kit that cannot go on.
    std::string must(const std::string& script);

    /// Sends a script and takes the answer later, so that something can happen meanwhile.
    void send(const std::string& script);
    Answer receive();

    /// The whole database as SQLite reads it in one transaction.
    std::string image();

    void close();
    /// Ends the process in the middle of whatever it does.
    void kill();

private:
    int process_ = -1;
    std::FILE* input_ = nullptr;
    std::FILE* output_ = nullptr;
};

/// The other side: serves stdin until it ends. The program's main() calls it when its first argument is kDatabaseClientArgument.
inline constexpr const char* kDatabaseClientArgument = "--serve-database";
int serveDatabase(const std::filesystem::path& database);

}  // namespace litestream::conformance
