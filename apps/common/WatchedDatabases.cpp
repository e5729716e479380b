#include "common/WatchedDatabases.h"

#include "common/FollowDatabase.h"
#include "config/Resolve.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>

namespace litestream::app {
namespace {

/// For the last transactions of a database that is gone. What does not get there stays in its spool.
constexpr auto kPatience = std::chrono::seconds(2);

bool isBelow(const std::filesystem::path& path, const std::filesystem::path& directory) {
    const auto relative = path.lexically_relative(directory);
    return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

WatchedDatabases::WatchedDatabases(engine::Engine& engine, const Setup& setup) : engine_(engine), setup_(setup) {
    for (const config::Database& entry : setup.config.databases) {
        if (entry.directory.watch) directories_.push_back(entry.directory);
        if (!entry.path.empty()) named_.insert(entry.path);
    }
    if (directories_.empty()) return;
    for (const engine::DatabaseOptions& database : setup.databases) followed_.insert(database.path);
    watch_ = std::make_unique<DirectoryWatch>(directories_, [this] { return look(); });
}

std::set<std::filesystem::path> WatchedDatabases::look() {
    try {
        removeGone();
        addNew();
        lastError_.clear();
    } catch (const std::exception& error) {
        // It is looked at again with the next change.
        if (lastError_ != error.what()) log::error("cannot follow the databases of a directory", {{"error", error.what()}});
        lastError_ = error.what();
    }
    auto known = followed_;
    for (const auto& [database, reason] : refused_) known.insert(database);
    return known;
}

/// Null for a database that has an entry of its own.
const config::Directory* WatchedDatabases::directoryOf(const std::filesystem::path& database) const {
    if (named_.contains(database)) return nullptr;
    const auto found = std::find_if(directories_.begin(), directories_.end(), [&](const auto& directory) { return isBelow(database, directory.path); });
    return found == directories_.end() ? nullptr : &*found;
}

void WatchedDatabases::removeGone() {
    for (auto entry = followed_.begin(); entry != followed_.end();) {
        const std::filesystem::path path = *entry;
        const auto* directory = directoryOf(path);
        if (directory == nullptr || std::filesystem::exists(path)) {
            ++entry;
            continue;
        }
        entry = followed_.erase(entry);
        const auto report = engine_.remove(path, kPatience);
        for (const std::string& line : report.unfinished) log::error("failed to close database", {{"error", line}});
        log::info("removed database from replication", {{"dir", directory->path.string()}, {"path", path.string()}});
    }
}

void WatchedDatabases::addNew() {
    std::erase_if(refused_, [](const auto& entry) { return !std::filesystem::exists(entry.first); });
    std::vector<std::string> warnings;  // said at the start
    for (const engine::DatabaseOptions& database : config::resolve(setup_.config, *setup_.registry, warnings, followed_)) {
        const auto* directory = directoryOf(database.path);
        if (directory == nullptr || followed_.contains(database.path)) continue;
        try {
            followDatabase(engine_, *setup_.registry, database);
        } catch (const Error& error) {
            refuse(database.path, error);
            continue;
        }
        refused_.erase(database.path);
        followed_.insert(database.path);
        log::info("added database to replication", {{"dir", directory->path.string()}, {"path", database.path.string()}});
    }
}

/// It does not keep the others from their turn, and is tried again with the next change.
void WatchedDatabases::refuse(const std::filesystem::path& database, const Error& error) {
    std::string& last = refused_[database];
    if (last != error.what()) log::error("cannot follow database", {{"path", database.string()}, {"error", error.what()}});
    last = error.what();
}

}  // namespace litestream::app
