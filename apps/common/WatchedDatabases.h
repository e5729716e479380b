#pragma once

#include "common/DirectoryWatch.h"
#include "common/Setup.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace litestream::app {

/// Keeps an engine in step with the directories of entries that say `watch`: a database that appears is followed, one that is gone is let go, and its replica stays.
/// All methods of the engine but stop() may be called meanwhile.
class WatchedDatabases {
public:
    /// The databases of `setup` are followed already. Both outlive this object. Without such entries it does nothing.
    WatchedDatabases(engine::Engine& engine, const Setup& setup);

private:
    std::set<std::filesystem::path> look();
    void removeGone();
    void addNew();
    void refuse(const std::filesystem::path& database, const Error& error);
    const config::Directory* directoryOf(const std::filesystem::path& database) const;

    engine::Engine& engine_;
    const Setup& setup_;
    std::vector<config::Directory> directories_;
    std::set<std::filesystem::path> named_;     ///< with entries of their own
    std::set<std::filesystem::path> followed_;
    std::map<std::filesystem::path, std::string> refused_;  ///< and why
    std::string lastError_;
    std::unique_ptr<DirectoryWatch> watch_;
};

}  // namespace litestream::app
