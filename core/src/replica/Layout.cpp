#include "replica/Layout.h"

namespace litestream::replica {
namespace {

constexpr std::string_view kTreeRoot = "ltx/";
constexpr std::string_view kFlatRoot = "000";

}  // namespace

std::string Layout::key(const FileId& file) const { return prefix(file.level) + ltx::fileName(file.range); }

std::string Layout::prefix(Level level) const {
    const std::string digits = std::to_string(level.value);
    if (family_ == LayoutFamily::Tree) return std::string(kTreeRoot) + digits + '/';
    // The levels are 0..9, so one hexadecimal digit is always enough.
    return std::string(kFlatRoot) + digits + '/';
}

std::string_view Layout::prefix() const noexcept { return family_ == LayoutFamily::Tree ? kTreeRoot : kFlatRoot; }

std::optional<FileId> Layout::parse(Level level, std::string_view key) const {
    const std::string wanted = prefix(level);
    if (!key.starts_with(wanted)) return std::nullopt;
    const auto range = ltx::parseFileName(key.substr(wanted.size()));
    if (!range) return std::nullopt;
    return FileId{level, *range};
}

std::optional<FileId> Layout::parse(std::string_view key) const {
    const std::string_view root = prefix();
    if (!key.starts_with(root) || key.size() < root.size() + 2) return std::nullopt;
    const char digit = key[root.size()];
    if (digit < '0' || digit > '9') return std::nullopt;
    return parse(Level{static_cast<std::uint32_t>(digit - '0')}, key);
}

}  // namespace litestream::replica
