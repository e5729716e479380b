#include "migrate/ObjectId.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace litestream::migrate {
namespace {

constexpr std::string_view kSnapshots = "snapshots/";
constexpr std::string_view kWal = "wal/";
constexpr std::string_view kSnapshotEnd = ".snapshot.lz4";
constexpr std::string_view kSegmentEnd = ".wal.lz4";
constexpr std::uint32_t kLargestIndex = 0x7fffffff;

std::string hex(std::uint64_t value, int digits) {
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "%0*llx", digits, static_cast<unsigned long long>(value));
    return text.data();
}

std::optional<std::uint64_t> takeHex(std::string_view& text) {
    std::uint64_t value = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (status != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

bool take(std::string_view& text, std::string_view start) {
    if (!text.starts_with(start)) return false;
    text.remove_prefix(start.size());
    return true;
}

std::optional<GenerationFile> parseGenerationKey(std::string_view key) {
    std::string_view rest = key;
    if (!take(rest, kGenerations)) return std::nullopt;
    const auto generation = takeHex(rest);
    if (!generation || !take(rest, "/")) return std::nullopt;
    const bool snapshot = take(rest, kSnapshots);
    if (!snapshot && !take(rest, kWal)) return std::nullopt;
    const auto index = takeHex(rest);
    if (!index || *index > kLargestIndex) return std::nullopt;
    GenerationFile file{*generation, static_cast<std::uint32_t>(*index), std::nullopt};
    if (!snapshot) {
        if (!take(rest, "_")) return std::nullopt;
        file.offset = takeHex(rest);
        if (!file.offset) return std::nullopt;
    }
    // Only one way of writing is the name of this file: lower case, so many digits.
    if (keyOf(file, LayoutFamily::Tree) != key) return std::nullopt;
    return file;
}

}  // namespace

std::optional<ParsedKey> parseKey(std::string_view key) {
    for (const LayoutFamily family : {LayoutFamily::Tree, LayoutFamily::Flat}) {
        if (const auto file = replica::Layout(family).parse(key)) return ParsedKey{*file, family};
    }
    if (const auto file = parseGenerationKey(key)) return ParsedKey{*file, LayoutFamily::Tree};
    return std::nullopt;
}

std::optional<PlacedKey> findReplicaKey(std::string_view key) {
    // A replica's own keys have two to four parts.
    std::size_t end = key.rfind('/');
    while (end != std::string_view::npos) {
        const std::size_t slash = end == 0 ? std::string_view::npos : key.rfind('/', end - 1);
        const std::size_t begin = slash == std::string_view::npos ? 0 : slash + 1;
        if (const auto parsed = parseKey(key.substr(begin))) return PlacedKey{key.substr(0, begin), *parsed};
        end = slash;
    }
    return std::nullopt;
}

std::string keyOf(const ObjectId& id, LayoutFamily family) {
    if (const auto* file = std::get_if<replica::FileId>(&id)) return replica::Layout(family).key(*file);
    const auto& file = std::get<GenerationFile>(id);
    std::string key(kGenerations);
    key += hex(file.generation, 16) + '/';
    if (!file.offset) return key.append(kSnapshots).append(hex(file.index, 8)).append(kSnapshotEnd);
    return key.append(kWal).append(hex(file.index, 8)).append("_").append(hex(*file.offset, 8)).append(kSegmentEnd);
}

bool isBase(const ObjectId& id) noexcept {
    if (const auto* file = std::get_if<replica::FileId>(&id)) return file->range.min.value == 1;
    return !std::get<GenerationFile>(id).offset;
}

}  // namespace litestream::migrate
