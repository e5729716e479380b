#pragma once

#include <litestream/Types.h>

#include <filesystem>
#include <optional>
#include <sys/types.h>
#include <vector>

namespace litestream {

/// Gives `path` the content `bytes` so that after any crash it holds the old content or the new one, whole: temporary file beside
/// it, fsync, rename, fsync of the directory. When this returns, the new content is durable. Throws Error by errno.
void replaceFileDurably(const std::filesystem::path& path, ConstBytes bytes, mode_t mode = 0600);

/// The same without fsync, for content that may be lost with the machine: after a crash of the process alone the file is whole.
void replaceFile(const std::filesystem::path& path, ConstBytes bytes, mode_t mode = 0600);

/// Appends all of `bytes` to an existing file with one write(), or nothing, and throws Error by errno. No fsync.
void appendWhole(const std::filesystem::path& path, ConstBytes bytes);

/// A small file whole; nothing when it does not exist. Throws Error when it cannot be read.
std::optional<std::vector<std::byte>> readFileIfExists(const std::filesystem::path& path);

/// Makes entries of `directory` (creations, renames, removals) durable.
void syncDirectory(const std::filesystem::path& directory);

/// An open file descriptor, closed at the end of its life.
class FileDescriptor {
public:
    FileDescriptor() = default;
    explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
    FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~FileDescriptor() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    int release() noexcept {
        const int fd = fd_;
        fd_ = -1;
        return fd;
    }
    void reset(int fd = -1) noexcept;

private:
    int fd_ = -1;
};

/// open(2) with O_CLOEXEC. Throws Error by errno, naming the path.
FileDescriptor openFile(const std::filesystem::path& path, int flags, mode_t mode = 0600);

/// Writes all of `bytes` at the current position, or throws Error by errno, naming `path`.
void writeAll(const FileDescriptor& file, ConstBytes bytes, const std::filesystem::path& path);

}  // namespace litestream
