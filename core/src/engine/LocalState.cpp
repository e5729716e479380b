#include "engine/LocalState.h"

#include "engine/PositionJournal.h"
#include "util/FileIo.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace litestream::engine {

MetaPaths MetaPaths::beside(const std::filesystem::path& database) {
    return {database.parent_path() / std::string(".").append(database.filename().string()).append("-litestream")};
}

LocalStatus readLocalStatus(const std::filesystem::path& metaDirectory) {
    const auto contents = PositionJournal(MetaPaths{metaDirectory}.journal()).load();
    if (contents.lineage == 0) return {};
    return {true, contents.records.empty() ? Txid{} : contents.records.back().txid};
}

std::vector<std::filesystem::path> localStateFiles(const std::filesystem::path& metaDirectory) {
    const MetaPaths paths{metaDirectory};
    std::vector<std::filesystem::path> files;
    for (const auto& file : {paths.journal(), paths.pageSums(), paths.replicaSums()}) {
        if (std::filesystem::exists(file)) files.push_back(file);
    }
    if (std::filesystem::is_directory(paths.spool())) {
        for (const auto& entry : std::filesystem::directory_iterator(paths.spool())) files.push_back(entry.path());
    }
    return files;
}

void makeDirectory(const std::filesystem::path& directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) throw systemError("create directory " + directory.string(), error.value());
}

std::optional<std::vector<std::byte>> readFileIfExists(const std::filesystem::path& file) {
    const FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!descriptor) {
        if (errno == ENOENT) return std::nullopt;
        throw systemError("open " + file.string(), errno);
    }
    struct stat info{};
    if (::fstat(descriptor.get(), &info) != 0) throw systemError("stat " + file.string(), errno);
    std::vector<std::byte> bytes(static_cast<std::size_t>(info.st_size));
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t got = ::pread(descriptor.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw systemError("read " + file.string(), errno);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    bytes.resize(done);
    return bytes;
}

}  // namespace litestream::engine
