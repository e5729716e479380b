#pragma once

#include "litestream-migrate/Arguments.h"

namespace litestream::migrate_app {

/// The exit codes of the program (docs/migrate.md).
enum class ExitCode { Complete = 0, Failed = 1, Usage = 2, Incomplete = 3, Interrupted = 4 };

/// Migrates, prints the result on stdout, and tells how it went. Throws Error for what ended it early.
ExitCode run(const Arguments& arguments);

}  // namespace litestream::migrate_app
