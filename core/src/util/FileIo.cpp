#include "util/FileIo.h"

#include "util/Log.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <string>

namespace litestream {
namespace {

void syncFile(const FileDescriptor& file, const std::filesystem::path& path) {
    if (::fsync(file.get()) != 0) throw systemError("sync " + path.string(), errno);
}

/// A file that disappears again unless it was renamed away.
class TemporaryFile {
public:
    TemporaryFile(std::filesystem::path path, mode_t mode)
        : path_(std::move(path)), file_(openFile(path_, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode)) {}
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        if (!path_.empty()) ::unlink(path_.c_str());
    }

    void fill(ConstBytes bytes) { writeAll(file_, bytes, path_); }
    void sync() { syncFile(file_, path_); }
    void renameTo(const std::filesystem::path& target) {
        if (::rename(path_.c_str(), target.c_str()) != 0) throw systemError("rename to " + target.string(), errno);
        path_.clear();
    }

private:
    std::filesystem::path path_;
    FileDescriptor file_;
};

std::filesystem::path parentOf(const std::filesystem::path& path) {
    const std::filesystem::path parent = path.parent_path();
    return parent.empty() ? std::filesystem::path(".") : parent;
}

}  // namespace

void FileDescriptor::reset(int fd) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

FileDescriptor openFile(const std::filesystem::path& path, int flags, mode_t mode) {
    int fd = -1;
    do {
        fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) throw systemError("open " + path.string(), errno);
    return FileDescriptor(fd);
}

void writeAll(const FileDescriptor& file, ConstBytes bytes, const std::filesystem::path& path) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw systemError("write " + path.string(), errno);
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
}

void syncDirectory(const std::filesystem::path& directory) {
    syncFile(openFile(directory, O_RDONLY | O_DIRECTORY), directory);
}

void replaceFileDurably(const std::filesystem::path& path, ConstBytes bytes, mode_t mode) {
    TemporaryFile temporary(path.string() + ".tmp", mode);
    temporary.fill(bytes);
    temporary.sync();
    temporary.renameTo(path);
    syncDirectory(parentOf(path));
}

void replaceFile(const std::filesystem::path& path, ConstBytes bytes, mode_t mode) {
    TemporaryFile temporary(path.string() + ".tmp", mode);
    temporary.fill(bytes);
    temporary.renameTo(path);
}

void appendWhole(const std::filesystem::path& path, ConstBytes bytes) {
    const auto file = openFile(path, O_WRONLY | O_APPEND);
    const off_t before = ::lseek(file.get(), 0, SEEK_END);
    try {
        writeAll(file, bytes, path);
    } catch (const Error&) {
        // Half a record would end the file for every reader.
        if (::ftruncate(file.get(), before) != 0) log::debug("file not cut back", {{"file", path.string()}});
        throw;
    }
}

std::optional<std::vector<std::byte>> readFileIfExists(const std::filesystem::path& path) {
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
        if (errno == ENOENT) return std::nullopt;
        throw systemError("open " + path.string(), errno);
    }
    struct stat info{};
    if (::fstat(file.get(), &info) != 0) throw systemError("stat " + path.string(), errno);
    std::vector<std::byte> bytes(static_cast<std::size_t>(info.st_size));
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t got = ::pread(file.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw systemError("read " + path.string(), errno);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
}

}  // namespace litestream
