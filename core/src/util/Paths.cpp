#include "util/Paths.h"

#include <litestream/Error.h>

#include <pwd.h>
#include <unistd.h>
#include <array>
#include <cstdlib>
#include <string>

namespace litestream {
namespace {

/// The password database first, then HOME, as upstream does.
std::filesystem::path homeDirectory() {
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> buffer{};
    if (::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
        return found->pw_dir;
    }
    if (const char* home = std::getenv("HOME")) return home;
    throw Error(ErrorCode::NotFound, "expand ~: this user has no home directory");
}

}  // namespace

std::filesystem::path expandPath(std::string_view text) {
    for (const std::string_view scheme : {"sqlite3://", "sqlite://"}) {
        if (text.starts_with(scheme)) {
            text.remove_prefix(scheme.size());
            break;
        }
    }
    std::filesystem::path path(text);
    if (text == "~") {
        path = homeDirectory();
    } else if (text.starts_with("~/")) {
        path = homeDirectory() / text.substr(2);
    }
    path = std::filesystem::absolute(path).lexically_normal();
    // "/a/b/" is "/a/b": a trailing slash would make another name of the same place.
    return path.has_filename() || path == path.root_path() ? path : path.parent_path();
}

}  // namespace litestream
