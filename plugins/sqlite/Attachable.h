#pragma once

#include "FileIdentity.h"

#include <filesystem>
#include <stdexcept>
#include <string>

namespace litestream::sqlite {

/// Why a database cannot be followed now. It ends attach() as Detached and never leaves the plugin.
class Refusal : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What can be known of a database without opening it. Opening and closing a second descriptor would drop every lock that this
/// process holds on the file, so nothing but stat() may look at it.
/// Throws Refusal unless it is a regular file that can hold a database.
FileIdentity identify(const std::filesystem::path& database);

/// A warning if the file lies on a filesystem on which SQLite's shared memory or locks are known not to reach every user of the
/// file; empty otherwise.
std::string filesystemWarning(const std::filesystem::path& database);

/// One source per database in this process, whatever path it was named by: two would drop each other's locks when
/// one of them closes.
class InodeClaim {
public:
    /// Throws Refusal if the file is claimed.
    explicit InodeClaim(FileIdentity file);
    ~InodeClaim();
    InodeClaim(const InodeClaim&) = delete;
    InodeClaim& operator=(const InodeClaim&) = delete;

private:
    FileIdentity file_;
};

}  // namespace litestream::sqlite
