#include "litestream/RestoreOutput.h"

#include "litestream/Command.h"

#include <vector>

namespace litestream::cli {
namespace {

namespace fs = std::filesystem;

void checkFile(const fs::path& path, bool force) {
    if (fs::is_directory(path)) throw CommandError("cannot restore, output path is a directory: " + path.string());
    if (!force && fs::exists(path) && fs::file_size(path) > 0) {
        throw CommandError("cannot restore, output path already exists and is not empty: " + path.string() +
                           ". Use -force to overwrite");
    }
}

std::vector<fs::path> existingSidecars(const fs::path& path) {
    std::vector<fs::path> found;
    for (const char* suffix : {"-wal", "-shm", "-journal"}) {
        const fs::path sidecar = path.string() + suffix;
        if (fs::exists(fs::symlink_status(sidecar))) found.push_back(sidecar);
    }
    return found;
}

}  // namespace

void checkRestoreOutput(const fs::path& path, bool force) {
    checkFile(path, force);
    const std::vector<fs::path> sidecars = existingSidecars(path);
    if (!sidecars.empty() && !force) {
        throw CommandError("cannot restore, SQLite sidecar path already exists: " + sidecars.front().string() +
                           ". Use -force to overwrite");
    }
}

void removeOrphanedSidecars(const fs::path& path) {
    if (fs::exists(path)) return;
    for (const fs::path& sidecar : existingSidecars(path)) fs::remove(sidecar);
}

}  // namespace litestream::cli
