#pragma once

#include "config/Config.h"

#include <vector>

namespace litestream::config {

/// The databases that an entry stands for now: itself or, when it names a directory, SQLite files whose base name matches, by path. Each is a copy of the entry whose
/// replicas are in the place of the entry's plus the path below the directory. Throws Error(InvalidArgument) when the directory cannot be
/// read, the pattern is bad, or nothing is found and nothing can come later.
std::vector<Database> expandDirectory(const Database& entry);

}  // namespace litestream::config
