#pragma once

#include "support/TemporaryDirectory.h"

#include <litestream/Plugin.h>
#include <litestream/Source.h>

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace litestream::test {

using namespace std::chrono_literals;

/// A process with one SQLite connection (App.cpp). Ends with the object.
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

/// Applies captures to a plain copy, as a replica would.
class Mirror final : public PageSink {
public:
    void page(PageNumber number, ConstBytes content) override;
    /// Makes what was handed over since the last call part of the copy.
    void apply(std::uint32_t commit, std::uint32_t pageSize);
    void discard() { pending_.clear(); }
    void take(Image& image);
    void load(std::vector<std::byte> content) { content_ = std::move(content); }

    const std::vector<std::byte>& content() const noexcept { return content_; }
    std::size_t pendingPages() const noexcept { return pending_.size(); }

private:
    std::map<PageNumber, std::vector<std::byte>> pending_;
    std::vector<std::byte> content_;
};

/// A source made by the plugin through its descriptor, used as core uses it.
class Follower {
public:
    explicit Follower(std::filesystem::path database, std::map<std::string, std::string> options = {});

    Source& source() noexcept { return *source_; }
    Mirror& mirror() noexcept { return mirror_; }

    /// Attaches; after Lost takes an image. Remembers the position over restarts when `resume` is set.
    Attachment attach(bool resume = false);
    /// One capture with everything that core does around it; a loss is counted and repaired with an image.
    Capture capture(std::uint64_t budget = 32u << 20);
    /// Captures until nothing is left.
    void captureAll();
    /// Follows its wake calls until `done` says so. False after ten seconds.
    bool followUntil(const std::function<bool()>& done, std::chrono::nanoseconds limit = 10s);
    bool waitForWake(Wake reason, std::chrono::nanoseconds limit = 10s);
    void forgetWakes();

    void destroy() { source_.reset(); }

    unsigned losses = 0;
    std::string lastLoss;
    Position position;
    Attachment attachment;
    std::vector<Capture> captures;

    /// Whether capture `index` found another WAL generation than the position before it.
    bool newGeneration(std::size_t index) const { return newGenerations_.at(index); }
    std::vector<std::string> logged() const;

private:
    class TestHost final : public Host {
    public:
        void log(LogLevel level, std::string_view message) override;
        mutable std::mutex mutex;
        std::vector<std::string> lines;
    };

    void repair();

    std::filesystem::path database_;
    mutable TestHost host_;
    std::unique_ptr<SourcePlugin, void (*)(void*)> plugin_;
    std::mutex mutex_;  // guards wakes_
    std::condition_variable woken_;
    std::multiset<Wake> wakes_;
    std::unique_ptr<Source> source_;
    Mirror mirror_;
    std::vector<bool> newGenerations_;  // one for each of `captures`
};

/// SQLite's lock bytes that this process holds on the database's -shm, by the kernel's account: 0 WRITE, 1 CKPT, 3 READ0, ...
std::set<int> kernelLocks(const std::filesystem::path& database);
/// The lock byte that the source says it guards the log with.
std::set<int> claimedLocks(const Source& source);

std::vector<std::byte> readFile(const std::filesystem::path& path);

/// A directory and a database with one table `t(id INTEGER PRIMARY KEY, a BLOB)` in WAL mode.
class SourceSqlite : public ::testing::Test {
protected:
    /// Ends following and compares the mirror with the database after a full checkpoint, byte for byte.
    void expectMirrorIsDatabase(Follower& follower);
    void expectGuardIsReal(Follower& follower);

    std::filesystem::path walPath() const { return database.string() + "-wal"; }

private:
    TemporaryDirectory temporary_;

protected:
    const std::filesystem::path directory = temporary_.path();
    std::filesystem::path database = directory / "app.db";
};

inline constexpr const char* kCreate = "PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, a BLOB)";
inline constexpr const char* kInsert = "INSERT INTO t(a) VALUES(randomblob(500))";
std::string insertRows(int count);

}  // namespace litestream::test
