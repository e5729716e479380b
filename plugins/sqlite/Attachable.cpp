#include "Attachable.h"

#include <sys/stat.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>

namespace litestream::sqlite {
namespace {

constexpr off_t kSmallestDatabase = 512;

struct NamedFilesystem {
    std::uint32_t type;
    const char* name;
};
/// Magic numbers of statfs(2).
constexpr std::array kRemoteFilesystems{
    NamedFilesystem{0x6969, "NFS"},      NamedFilesystem{0x517b, "SMB"},
    NamedFilesystem{0xff534d42, "CIFS"}, NamedFilesystem{0xfe534d42, "SMB2"},
    NamedFilesystem{0x01021997, "9p"},   NamedFilesystem{0x65735546, "FUSE or virtiofs"},
    NamedFilesystem{0x00c36400, "Ceph"}, NamedFilesystem{0x5346414f, "AFS"}};

std::mutex claimsMutex;  // guards claims()
std::set<FileIdentity>& claims() {
    static std::set<FileIdentity> files;
    return files;
}

}  // namespace

FileIdentity identify(const std::filesystem::path& database) {
    struct stat info {};
    if (::stat(database.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) throw Refusal("file does not exist");
        throw Refusal(std::string("stat: ") + std::strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) throw Refusal("not a regular file");
    if (info.st_size == 0) throw Refusal("file is empty. It becomes a database with the application's first write");
    if (info.st_size < kSmallestDatabase) throw Refusal("file is too small to be a database");
    return {info.st_dev, info.st_ino};
}

std::optional<FileIdentity> identityOf(const std::filesystem::path& file) noexcept {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) return std::nullopt;
    return FileIdentity{info.st_dev, info.st_ino};
}

std::string filesystemWarning(const std::filesystem::path& database) {
    struct statfs info {};
    if (::statfs(database.c_str(), &info) != 0) return {};
    for (const auto& known : kRemoteFilesystems) {
        if (static_cast<std::uint32_t>(info.f_type) == known.type) {
            return std::string("lies on ") + known.name +
                   ": changes are seen only if every process that uses the database runs on this machine";
        }
    }
    return {};
}

InodeClaim::InodeClaim(FileIdentity file) : file_(file) {
    const std::lock_guard lock(claimsMutex);
    if (!claims().insert(file).second) {
        throw Refusal(
            "this process follows the same file already, by this or another path. Configure each database once");
    }
}

InodeClaim::~InodeClaim() {
    const std::lock_guard lock(claimsMutex);
    claims().erase(file_);
}

}  // namespace litestream::sqlite
