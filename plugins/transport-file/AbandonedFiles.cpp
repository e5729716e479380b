#include "AbandonedFiles.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <ctime>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>

namespace litestream::file {

namespace {

/// Process numbers of other machines and containers that share the directory mean nothing here, so age has to agree.
constexpr std::time_t kUntouchedSeconds = 3600;

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

/// The digits behind the last '.' of `text`, which are cut off.
std::optional<std::int64_t> takeNumber(std::string_view& text) noexcept {
    const std::size_t dot = text.rfind('.');
    if (dot == std::string_view::npos || dot + 1 == text.size()) return std::nullopt;
    std::int64_t number = 0;
    const auto [end, status] = std::from_chars(text.data() + dot + 1, text.data() + text.size(), number);
    if (status != std::errc{} || end != text.data() + text.size() || number <= 0) return std::nullopt;
    text = text.substr(0, dot);
    return number;
}

/// The writer of ".<name>.<process>.<number>.tmp"; nothing for other names.
std::optional<pid_t> writerOf(std::string_view name) noexcept {
    if (!name.starts_with('.') || !name.ends_with(".tmp")) return std::nullopt;
    name.remove_suffix(4);
    if (!takeNumber(name)) return std::nullopt;
    const auto writer = takeNumber(name);
    if (!writer || *writer > std::numeric_limits<pid_t>::max() || name.size() < 2) return std::nullopt;
    return static_cast<pid_t>(*writer);
}

bool isGone(pid_t process) noexcept { return ::kill(process, 0) != 0 && errno == ESRCH; }

}  // namespace

void removeAbandonedFiles(const std::string& directory) noexcept {
    const std::unique_ptr<DIR, CloseDirectory> open(::opendir(directory.c_str()));
    if (open == nullptr) return;
    const std::time_t now = std::time(nullptr);
    while (const dirent* entry = ::readdir(open.get())) {
        const auto writer = writerOf(entry->d_name);
        if (!writer || !isGone(*writer)) continue;
        struct stat status{};
        if (::fstatat(::dirfd(open.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (!S_ISREG(status.st_mode) || now - status.st_mtim.tv_sec < kUntouchedSeconds) continue;
        ::unlinkat(::dirfd(open.get()), entry->d_name, 0);
    }
}

}  // namespace litestream::file
