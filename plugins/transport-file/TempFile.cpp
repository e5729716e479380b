#include "TempFile.h"

#include "FileTime.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace litestream::file {

namespace {

/// Unique in this process; with the process number and O_EXCL also among all that write here.
std::string temporaryPath(const std::string& directory, const std::string& name) {
    static std::atomic<std::uint64_t> last{0};
    return directory + '.' + name + '.' + std::to_string(::getpid()) + '.' + std::to_string(++last) + ".tmp";
}

}  // namespace

TempFile::TempFile(const std::string& directory, const std::string& name, const FileAttributes& attributes) {
    // A name can be taken by what a killed process with our number left behind: the next one is free.
    do {
        path_ = temporaryPath(directory, name);
        descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, attributes.fileMode & 07777);
    } while (descriptor_ < 0 && (errno == EEXIST || errno == EINTR));
    if (descriptor_ < 0) throw systemError("create " + path_, errno);
    try {
        apply(attributes);
    } catch (...) {
        close();
        ::unlink(path_.c_str());
        throw;
    }
}

TempFile::~TempFile() {
    close();
    if (!published_) ::unlink(path_.c_str());
}

void TempFile::apply(const FileAttributes& attributes) const {
    if (attributes.owner && ::fchown(descriptor_, attributes.owner->first, attributes.owner->second) != 0 && errno != EPERM) {
        throw systemError("change the owner of " + path_, errno);
    }
    // The umask takes nothing from the owner's bits in practice; only wider modes need a call of their own.
    if ((attributes.fileMode & 07777) != 0600 && ::fchmod(descriptor_, attributes.fileMode & 07777) != 0) {
        throw systemError("change the mode of " + path_, errno);
    }
}

void TempFile::write(ConstBytes bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            throw systemError("write " + path_, errno);
        }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
}

void TempFile::finish(Timestamp timestamp) {
    const timespec time = timespecOf(timestamp);
    const timespec times[2] = {time, time};
    // Before the sync: a listing after a crash must not see another time.
    if (::futimens(descriptor_, times) != 0) throw systemError("set the time of " + path_, errno);
    if (::fsync(descriptor_) != 0) throw systemError("sync " + path_, errno);
    close();
}

void TempFile::publish(const std::string& path, bool onlyIfAbsent) {
    if (onlyIfAbsent) {
        publishExclusively(path);
    } else if (::rename(path_.c_str(), path.c_str()) != 0) {
        throw systemError("rename " + path_ + " to " + path, errno);
    }
    published_ = true;
}

void TempFile::publishExclusively(const std::string& path) const {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return;
    if (errno != EINVAL && errno != ENOSYS) throw systemError("create " + path, errno);
    // File systems without that flag (NFS and some FUSE ones) know link(), which never replaces anything.
    if (::link(path_.c_str(), path.c_str()) != 0) throw systemError("create " + path, errno);
    ::unlink(path_.c_str());
}

void TempFile::close() noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}

void syncDirectory(const std::string& directory) {
    const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) throw systemError("open " + directory, errno);
    const int status = ::fsync(descriptor);
    const int reason = errno;
    ::close(descriptor);
    // EINVAL: the file system keeps names without being asked.
    if (status != 0 && reason != EINVAL) throw systemError("sync " + directory, reason);
}

}  // namespace litestream::file
