#pragma once

#include <filesystem>

namespace litestream::engine {

/// Keeps a metadata directory for one process at a time.
///
/// The lock is flock(2) on a file in the directory. It belongs to the open file description, and a mapping keeps that alive: the
/// descriptor is closed again at once, so a thousand idle databases cost no descriptors for it. The kernel drops the
/// lock when the mapping goes, also on kill -9.
class DirectoryLock {
public:
    /// Throws Error(Conflict) when another process (or another object) holds it, naming its process id.
    explicit DirectoryLock(const std::filesystem::path& file);
    ~DirectoryLock();
    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;

private:
    void* mapping_ = nullptr;
};

}  // namespace litestream::engine
