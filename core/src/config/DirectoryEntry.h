#pragma once

#include "config/Config.h"

#include <filesystem>
#include <set>
#include <vector>

namespace litestream::config {

/// The databases that an entry stands for now: itself or, when it names a directory, SQLite files whose base name matches, by path. Each is a copy of the entry whose
/// replicas are in the place of the entry's plus the path below the directory. `followed` are the databases that this process follows. They are not opened, under
/// whatever name, for POSIX drops all locks of a process on a file as soon as it closes any descriptor of it. Throws Error(InvalidArgument) when the directory cannot be
/// read, the pattern is bad, or nothing is found and nothing can come later.
std::vector<Database> expandDirectory(const Database& entry, const std::set<std::filesystem::path>& followed = {});

/// True when the base name of a file matches the pattern, so that it is a database of the entry as soon as it has a SQLite header. What SQLite keeps beside a database
/// that is there (-wal, -shm, -journal) is none.
bool isNameOf(const Directory& directory, const std::filesystem::path& file);

/// True for a directory in which databases are not looked for: where our own metadata is, with its scratch databases.
bool isMetadata(const Directory& directory, const std::filesystem::path& below);

}  // namespace litestream::config
