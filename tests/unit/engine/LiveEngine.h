#pragma once

#include "engine/Engine.h"
#include "restore/Restore.h"
#include "restore/Times.h"
#include "support/MemoryStore.h"
#include "support/TemporaryDirectory.h"
#include "util/Log.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace litestream::engine::test {

using litestream::test::BorrowedStore;
using litestream::test::MemoryStore;
using litestream::test::TemporaryDirectory;

using namespace std::chrono_literals;

/// A whole engine with a real database, real plugins, and a store that counts and fails.
class LiveEngine : public ::testing::Test {
protected:
    LiveEngine() {
        // Waits that no test notices; the rules of waiting have tests of their own.
        limits_.retry.first = limits_.retry.firstThrottled = limits_.retry.again = limits_.retry.patient = limits_.retry.againRoom = 1ms;
        EXPECT_EQ(sqlite3_open(path().c_str(), &database_), SQLITE_OK);
        run("PRAGMA journal_mode = WAL");
        run("CREATE TABLE t(x)");
    }
    ~LiveEngine() override {
        engine_.reset();
        sqlite3_close(database_);
        log::configure({});
    }

    std::filesystem::path path() const { return directory_ / "app.db"; }
    std::filesystem::path meta() const { return directory_ / ".app.db-litestream"; }
    void run(const std::string& sql) { ASSERT_EQ(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sql; }
    void commit() { run("INSERT INTO t VALUES(randomblob(100))"); }

    /// With `second`, to another replica as well.
    void start(const levels::Settings& settings = {}, std::optional<std::chrono::nanoseconds> patience = std::nullopt, MemoryStore* second = nullptr) {
        DatabaseOptions options;
        options.path = path();
        options.patience = patience;
        const auto add = [&](const std::string& name, Transport* transport) {
            OptionValues store;
            store.set("store", std::to_string(reinterpret_cast<std::uintptr_t>(transport)));
            options.replicas.push_back({name, "bridge", store, settings});
        };
        add("memory", &store_);
        if (second != nullptr) add("second", second);
        engine_ = std::make_unique<Engine>(*registry_, limits_, clock_);
        engine_->add(options);
    }
    /// Waits until everything that is committed is in the store.
    void sync() { ASSERT_NO_THROW(engine_->sync(path(), CallContext::within(60s))); }
    bool stop(std::chrono::nanoseconds patience = 60s) { return engine_->stop(patience).complete; }

    /// What a wait ended with.
    static std::string failureOf(const std::function<void()>& wait) {
        try {
            wait();
        } catch (const Error& error) {
            return error.what();
        }
        return "none";
    }

    /// The lines that `action` left in the log and that contain `text`.
    template <class Action>
    std::vector<std::string> linesOf(const std::string& text, Action action) {
        ::testing::internal::CaptureStdout();
        action();
        std::istringstream all(::testing::internal::GetCapturedStdout());
        std::vector<std::string> lines;
        for (std::string line; std::getline(all, line);) {
            if (line.find(text) != std::string::npos) lines.push_back(line);
        }
        return lines;
    }

    /// Throws `error` for the next `count` requests of a kind.
    static auto next(unsigned count, const std::string& kind, const Error& error) {
        return [=, left = count](const std::string& operation) mutable {
            if (operation != kind || left == 0) return;
            --left;
            throw error;
        };
    }

    /// A state of the replica, by default the newest, in a file.
    std::filesystem::path restored(const restore::Target& target = {}) {
        replica::ReplicaStore store(std::make_unique<BorrowedStore>(store_));
        restore::Options options;
        options.output = directory_ / "restored.db";
        restore::restore(store, restore::planExactly(store, store.listAll({}), target, 2), registry_->codecs(), options);
        return options.output;
    }
    /// The first value of the first row.
    static std::string ask(sqlite3* database, const std::string& sql) {
        sqlite3_stmt* statement = nullptr;
        EXPECT_EQ(sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr), SQLITE_OK) << sql;
        EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW) << sql;
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
        const std::string answer = text == nullptr ? "" : text;
        sqlite3_finalize(statement);
        return answer;
    }
    static std::string ask(const std::filesystem::path& file, const std::string& sql) {
        sqlite3* database = nullptr;
        EXPECT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
        const std::string answer = ask(database, sql);
        sqlite3_close(database);
        return answer;
    }
    std::int64_t restoredRows(const restore::Target& target = {}) { return std::stoll(ask(restored(target), "SELECT count(*) FROM t")); }

    TemporaryDirectory directory_;
    std::unique_ptr<plugin::Registry> registry_ = plugin::Registry::load({LITESTREAM_BIN "/plugins", LITESTREAM_ENGINE_PLUGINS});
    MemoryStore store_;
    Limits limits_;
    std::shared_ptr<WallClock> clock_ = std::make_shared<SystemWallClock>();
    sqlite3* database_ = nullptr;
    std::unique_ptr<Engine> engine_;
};

}  // namespace litestream::engine::test
