#pragma once

#include "restore/Restore.h"

#include <filesystem>

namespace litestream::restore {

/// Runs PRAGMA quick_check or integrity_check on a database file that nobody else uses. Reads only: no -wal, -shm or journal is made or looked at.
/// Throws Error(Corrupt) "post-restore integrity check: integrity check failed: ..." when the answer is not "ok".
void checkIntegrity(const std::filesystem::path& database, IntegrityCheck kind, const CancellationToken& cancellation);

}  // namespace litestream::restore
