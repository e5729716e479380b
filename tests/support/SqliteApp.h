#pragma once

#include <cstdio>
#include <filesystem>
#include <string>

namespace litestream::test {

/// A process with one SQLite connection (sqliteApp.cpp). Ends with the object.
class App {
public:
    explicit App(const std::filesystem::path& database);
    ~App() { close(); }
    App(const App&) = delete;
    App& operator=(const App&) = delete;

    struct Answer {
        int rc = -1;
        std::string text;
    };
    Answer run(const std::string& script);
    /// Fails the test unless the script succeeds; returns its text.
    std::string must(const std::string& script);

    /// Sends a line and takes the answer later, so that the test can go on meanwhile.
    void send(const std::string& line);
    Answer receive();

    int pid() const noexcept { return process_; }

    /// Closes the connection and waits for the process; kill() does not close the connection.
    void close();
    void kill();

private:
    int process_ = -1;
    std::FILE* input_ = nullptr;
    std::FILE* output_ = nullptr;
};

}  // namespace litestream::test
