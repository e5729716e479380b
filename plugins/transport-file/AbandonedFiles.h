#pragma once

#include <string>

namespace litestream::file {

/// Removes from `directory` (with a '/' at its end) what killed processes left unfinished there: files with the name of a TempFile whose
/// process is gone and that nobody has touched for an hour. Whatever else is there stays, and so does what cannot be removed.
void removeAbandonedFiles(const std::string& directory) noexcept;

}  // namespace litestream::file
