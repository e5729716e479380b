#pragma once

#include "util/FileIo.h"

#include <cstdint>
#include <filesystem>
#include <vector>

namespace litestream::restore {

/// The database file in the making: `<target>.tmp` until publish(), gone without it. Directories that had to be made for it
/// go with it.
class OutputFile {
public:
    /// Makes missing directories (0700), removes a stale temporary file and creates a new one (0600).
    /// Error(Conflict) when the target does not exist but a write-ahead log or journal of it does: SQLite would apply that
    /// to the new database.
    explicit OutputFile(std::filesystem::path target);
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    int descriptor() const noexcept { return file_.get(); }
    const std::filesystem::path& temporary() const noexcept { return temporary_; }

    /// Zeros of this length, with their space on the disk. Error(DiskFull) when there is not enough.
    void resize(std::uint64_t bytes);
    void sync();
    /// Renames to the target and makes that durable. Logs of a database that is replaced go first: they belong to its old content.
    void publish();

private:
    void makeDirectories();
    void discard() noexcept;

    std::filesystem::path target_;
    std::filesystem::path temporary_;
    std::vector<std::filesystem::path> made_;  // directories, outermost first
    FileDescriptor file_;
    bool published_ = false;
};

}  // namespace litestream::restore
