#include "config/DirectoryEntry.h"
#include "engine/DirectoryLock.h"
#include "engine/LocalState.h"
#include "litestream/Command.h"
#include "util/FileIo.h"
#include "util/Log.h"
#include "util/Paths.h"

#include <algorithm>
#include <iostream>

namespace litestream::cli {
namespace {

namespace fs = std::filesystem;

const Usage kUsage{
    "Forgets the local state of a database, so that the next start compares it with its replicas anew. The database "
    "and the replicas are left alone.",
    {"litestream reset [flags] DB_PATH"}};

/// The configuration is read only when it is named: it may know another metadata directory.
fs::path metaDirectory(const fs::path& database, const ConfigFlags& flags) {
    if (!flags.file.empty()) {
        const config::Config config = loadConfig(flags, {.toStderr = true});
        for (const config::Database& entry : config.databases) {
            for (const config::Database& one : config::expandDirectory(entry)) {
                if (one.path == database && !one.metaPath.empty()) return one.metaPath;
            }
        }
    }
    return engine::MetaPaths::beside(database).directory;
}

/// Our state, and upstream's, which would be as stale.
std::vector<fs::path> stateFiles(const fs::path& meta) {
    std::vector<fs::path> files = engine::localStateFiles(meta);
    if (fs::is_directory(meta / "ltx")) {
        for (const auto& entry : fs::recursive_directory_iterator(meta / "ltx")) {
            if (!entry.is_directory()) files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

void printDryRun(const fs::path& database, const fs::path& meta, const std::vector<fs::path>& files) {
    std::cout << "Dry run: local Litestream state would be reset for: " << database.string()
              << "\nWould remove: " << meta.string() << "\nFiles that would be removed:\n";
    for (const fs::path& file : files) std::cout << "  " << file.string() << "\n";
    std::cout << "No files were removed.\n";
}

void removeFiles(const fs::path& database, const fs::path& meta, const std::vector<fs::path>& files) {
    // A running daemon would go on from what is deleted under it.
    const engine::DirectoryLock lock(engine::MetaPaths{meta}.lock());
    std::cout << "Resetting local Litestream state for: " << database.string() << "\nRemoving: " << meta.string()
              << "\n";
    for (const fs::path& file : files) fs::remove(file);
    fs::remove_all(meta / "ltx");
    syncDirectory(meta);
    std::cout << "Reset complete. Next replication sync will create a fresh snapshot.\n";
}

}  // namespace

void reset(Arguments arguments) {
    ConfigFlags config;
    bool dryRun = false;
    const std::vector<flags::Flag> flags{
        {"config", &config.file, "PATH",
         "configuration file, to find a meta-path of the database; none is read by default"},
        {"no-expand-env", &config.noExpandEnv, "", "leave $NAME in litestream.yml as it is"},
        {"dry-run", &dryRun, "", "list what would be removed"}};
    const auto positionals = parseFlags(kUsage, flags, arguments);
    if (positionals.empty()) throw CommandError("database path required", "litestream reset /path/to/db");
    requireNoMore(positionals, 1);

    const fs::path database = expandPath(positionals[0]);
    if (!fs::exists(database)) throw CommandError("database does not exist: " + database.string());
    const fs::path meta = metaDirectory(database, config);
    if (!fs::is_directory(meta)) {
        std::cout << "No local state to reset for " << database.string()
                  << "\nMeta directory does not exist: " << meta.string() << "\n";
        return;
    }
    const std::vector<fs::path> files = stateFiles(meta);
    if (dryRun) {
        printDryRun(database, meta, files);
    } else {
        removeFiles(database, meta, files);
    }
}

}  // namespace litestream::cli
