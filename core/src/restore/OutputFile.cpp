#include "restore/OutputFile.h"

#include "util/FileIo.h"

#include <litestream/Error.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace litestream::restore {
namespace {

namespace fs = std::filesystem;

/// What SQLite would read together with the database. The shared memory comes last: alone it is harmless.
constexpr std::array kCompanions{"-wal", "-journal", "-shm"};

fs::path withSuffix(const fs::path& path, const char* suffix) {
    fs::path result = path;
    result += suffix;
    return result;
}

bool present(const fs::path& path) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    throw systemError("look at " + path.string(), errno);
}

void removeIfThere(const fs::path& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw systemError("remove " + path.string(), errno);
}

fs::path directoryOf(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

void refuseStrayLogs(const fs::path& target) {
    if (present(target)) return;
    for (const char* suffix : {"-wal", "-journal"}) {
        const fs::path companion = withSuffix(target, suffix);
        if (!present(companion)) continue;
        throw Error(ErrorCode::Conflict, "create " + target.string() + ": " + companion.string() +
                                             " exists and SQLite would apply it to the restored database. Move it away first.");
    }
}

}  // namespace

OutputFile::OutputFile(fs::path target) : target_(std::move(target)), temporary_(withSuffix(target_, ".tmp")) {
    if (!target_.has_filename()) throw Error(ErrorCode::InvalidArgument, "create " + target_.string() + ": not the name of a file");
    if (fs::is_directory(target_)) throw Error(ErrorCode::Conflict, "create " + target_.string() + ": it is a directory");
    refuseStrayLogs(target_);
    try {
        makeDirectories();
        removeIfThere(temporary_);
        file_ = openFile(temporary_, O_RDWR | O_CREAT | O_EXCL, 0600);
    } catch (...) {
        discard();
        throw;
    }
}

OutputFile::~OutputFile() {
    if (!published_) discard();
}

void OutputFile::discard() noexcept {
    if (file_) ::unlink(temporary_.c_str());
    // Fails, as it should, when somebody has put something there meanwhile.
    for (auto directory = made_.rbegin(); directory != made_.rend(); ++directory) ::rmdir(directory->c_str());
}

void OutputFile::makeDirectories() {
    std::vector<fs::path> missing;
    for (fs::path directory = directoryOf(target_); !present(directory); directory = directoryOf(directory)) {
        missing.push_back(directory);
    }
    for (auto directory = missing.rbegin(); directory != missing.rend(); ++directory) {
        if (::mkdir(directory->c_str(), 0700) == 0) {
            made_.push_back(*directory);
        } else if (errno != EEXIST) {
            throw systemError("create directory " + directory->string(), errno);
        }
    }
}

void OutputFile::resize(std::uint64_t bytes) {
    const auto length = static_cast<off_t>(bytes);
    while (::ftruncate(file_.get(), length) != 0) {
        if (errno != EINTR) throw systemError("resize " + temporary_.string(), errno);
    }
    // A full disk shows now instead of at the end, and the file system need not allocate while pages arrive in any order. Not every
    // file system can.
    while (::fallocate(file_.get(), 0, 0, length) != 0) {
        if (errno == EOPNOTSUPP || errno == ENOSYS) return;
        if (errno != EINTR) throw systemError("allocate " + std::to_string(bytes) + " bytes for " + temporary_.string(), errno);
    }
}

void OutputFile::sync() {
    if (::fsync(file_.get()) != 0) throw systemError("fsync " + temporary_.string(), errno);
}

void OutputFile::publish() {
    for (const char* suffix : kCompanions) removeIfThere(withSuffix(target_, suffix));
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) throw systemError("rename " + temporary_.string(), errno);
    published_ = true;
    syncDirectory(directoryOf(target_));
    for (const fs::path& directory : made_) syncDirectory(directoryOf(directory));
}

}  // namespace litestream::restore
