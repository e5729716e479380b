#include "migrate/SameRoot.h"

#include <litestream/Error.h>

#include <filesystem>

namespace litestream::migrate {
namespace {

constexpr std::string_view kPath = "path";

/// An absolute path without links, where it is one on this machine.
std::string plain(const std::string& path) {
    if (!path.starts_with('/')) return path;
    std::error_code failed;
    const auto resolved = std::filesystem::weakly_canonical(path, failed);
    std::string text = failed ? path : resolved.string();
    while (text.size() > 1 && text.ends_with('/')) text.pop_back();
    return text;
}

bool isInside(const std::string& path, const std::string& other) {
    if (path == other || other.empty()) return true;
    return path.starts_with(other) && (other.ends_with('/') || path[other.size()] == '/');
}

}  // namespace

void requireDifferentPlaces(const Place& from, const Place& to, bool nested) {
    if (from.transport != to.transport) return;
    std::string fromPath;
    std::string toPath;
    const auto split = [](const Place& place, std::string& path) {
        auto others = place.attributes;
        std::erase_if(others, [&](const auto& attribute) {
            if (attribute.first != kPath) return false;
            path = plain(attribute.second);
            return true;
        });
        return others;
    };
    if (split(from, fromPath) != split(to, toPath)) return;
    if (fromPath == toPath) throw Error(ErrorCode::InvalidArgument, "source and destination are the same place");
    if (nested && (isInside(fromPath, toPath) || isInside(toPath, fromPath))) {
        throw Error(ErrorCode::InvalidArgument, "one of source and destination lies inside the other one. Choose places beside each other");
    }
}

}  // namespace litestream::migrate
