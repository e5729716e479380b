#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <utility>

namespace litestream {

/// What makes two paths one file.
using Inode = std::pair<dev_t, ino_t>;

/// Of the file that a path leads to; nothing when there is none, or it cannot be looked at. Opens nothing.
inline std::optional<Inode> inodeOf(const std::filesystem::path& path) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) return std::nullopt;
    return Inode{info.st_dev, info.st_ino};
}

}  // namespace litestream
