#pragma once

#include "config/Config.h"

#include <vector>

namespace litestream::config {

/// The databases that an entry stands for now: itself or, when it names a directory, SQLite files whose base name matches, by path. Each is a copy of the entry whose
/// replicas are in the place of the entry's plus the path below the directory. Throws Error(InvalidArgument) when the directory cannot be
/// read, the pattern is bad, or nothing is found and nothing can come later.
std::vector<Database> expandDirectory(const Database& entry);

/// True when the base name of a file matches the pattern, so that it is a database of the entry as soon as it has a SQLite header.
bool isNameOf(const Directory& directory, const std::filesystem::path& file);

}  // namespace litestream::config
