#include "Directories.h"

#include "AbandonedFiles.h"
#include "TempFile.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace litestream::file {

namespace {

/// A replica has about a dozen; this only keeps odd uses from growing without bound.
constexpr std::size_t kMostRemembered = 256;

std::string parentOf(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

void apply(const std::string& path, const FileAttributes& attributes) {
    if (attributes.owner &&
        ::chown(path.c_str(), attributes.owner->first, attributes.owner->second) != 0 && errno != EPERM) {
        throw systemError("change the owner of " + path, errno);
    }
    if ((attributes.directoryMode & 07777) != 0700 && ::chmod(path.c_str(), attributes.directoryMode & 07777) != 0) {
        throw systemError("change the mode of " + path, errno);
    }
}

/// Makes `path` and its parents, durably, and tells whether it did. What is there already stays as it is.
bool make(const std::string& path, const FileAttributes& attributes) {
    const mode_t mode = attributes.directoryMode & 07777;
    int status = ::mkdir(path.c_str(), mode);
    if (status != 0 && errno == ENOENT && path != "/") {
        make(parentOf(path), attributes);
        status = ::mkdir(path.c_str(), mode);
    }
    if (status == 0) {
        apply(path, attributes);
        syncDirectory(parentOf(path));
        return true;
    }
    if (errno == EEXIST) return false;
    // A read-only or foreign parent is no obstacle when the directory is there.
    const int reason = errno;
    struct stat existing{};
    if (::stat(path.c_str(), &existing) != 0 || !S_ISDIR(existing.st_mode)) {
        throw systemError("create directory " + path, reason);
    }
    return false;
}

}  // namespace

void Directories::prepare(const std::string& base, const FileAttributes& attributes) {
    std::lock_guard lock(mutex_);
    if (durable_.contains(base)) return;
    make(root_.empty() ? "/" : root_, attributes);
    for (std::size_t slash = base.find('/'); slash != std::string::npos; slash = base.find('/', slash + 1)) {
        const std::string path = root_ + '/' + base.substr(0, slash);
        // Who made one that exists may have died before its name was durable.
        if (!make(path, attributes)) syncDirectory(parentOf(path));
    }
    removeAbandonedFiles(root_ + '/' + base);
    if (durable_.size() >= kMostRemembered) durable_.clear();
    durable_.insert(base);
}

void Directories::forget(const std::string& base) {
    std::lock_guard lock(mutex_);
    durable_.erase(base);
}

}  // namespace litestream::file
