#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>

namespace litestream::sqlite {

/// Which file a database is. Two paths with the same identity are one database.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;

    auto operator<=>(const FileIdentity&) const = default;
};

/// The identity of any file, or nothing if it is not there.
std::optional<FileIdentity> identityOf(const std::filesystem::path& file) noexcept;

}  // namespace litestream::sqlite
