#include "FileUrl.h"

#include <litestream/Error.h>

#include <algorithm>
#include <filesystem>

namespace litestream::file {

namespace {

bool isHex(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

unsigned hexValue(char c) noexcept {
    if (c <= '9') return static_cast<unsigned>(c - '0');
    return static_cast<unsigned>((c | 0x20) - 'a') + 10;
}

bool isAlphanumeric(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Characters that a URL path needs not to encode.
bool isPlain(char c) noexcept {
    return isAlphanumeric(c) || std::string_view("-_.~$&+,/:;=@").find(c) != std::string_view::npos;
}

/// Characters that a path may hold without being re-encoded as a whole.
bool isTolerated(char c) noexcept { return isPlain(c) || std::string_view("!'()*[]%").find(c) != std::string_view::npos; }

[[noreturn]] void refuse(std::string_view url, const char* why) {
    throw Error(ErrorCode::InvalidArgument, "replica url \"" + std::string(url) + "\": " + why);
}

void checkEscapes(std::string_view path, std::string_view url) {
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (static_cast<unsigned char>(path[i]) < 0x20 || path[i] == 0x7f) refuse(url, "control character");
        if (path[i] != '%') continue;
        if (i + 2 >= path.size() || !isHex(path[i + 1]) || !isHex(path[i + 2])) refuse(url, "invalid percent escape");
    }
}

std::string unescape(std::string_view path) {
    std::string plain;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] != '%') {
            plain += path[i];
            continue;
        }
        plain += static_cast<char>(hexValue(path[i + 1]) * 16 + hexValue(path[i + 2]));
        i += 2;
    }
    return plain;
}

std::string escape(std::string_view plain) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    std::string path;
    for (const char c : plain) {
        if (isPlain(c)) {
            path += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            path += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    return path;
}

std::string clean(const std::string& path) {
    std::string cleaned = std::filesystem::path(path).lexically_normal().string();
    // lexically_normal() keeps one of several leading slashes and a trailing one.
    while (cleaned.size() > 1 && cleaned.ends_with('/')) cleaned.pop_back();
    return cleaned;
}

}  // namespace

std::string pathOfUrl(std::string_view url) {
    const std::size_t colon = url.find(':');
    if (colon == std::string_view::npos) refuse(url, "scheme required");
    std::string_view path = url.substr(colon + 1);
    path = path.substr(0, path.find('?'));
    const bool hasAuthority = path.starts_with("//");
    if (hasAuthority) path.remove_prefix(2);
    if (path.empty()) throw Error(ErrorCode::InvalidArgument, "file replica path required");
    checkEscapes(path, url);
    std::string text(path);
    if (!std::all_of(path.begin(), path.end(), isTolerated)) text = escape(unescape(path));
    // "file://rel/x" names a host; upstream makes it the first directory.
    if (hasAuthority && !text.starts_with('/')) text.insert(0, "/");
    return clean(text);
}

}  // namespace litestream::file
