#pragma once

#include <filesystem>

namespace litestream::cli {

/// Checks that a restored database may take its place at `path`. Throws CommandError when something is in the way that
/// `force` does not cover; an empty file is nothing. An existing database stays untouched: the restore replaces it when
/// the new one is verified.
void checkRestoreOutput(const std::filesystem::path& path, bool force);

/// Removes a -wal, -shm or -journal that has no database any more: SQLite would apply it to the restored one.
void removeOrphanedSidecars(const std::filesystem::path& path);

}  // namespace litestream::cli
