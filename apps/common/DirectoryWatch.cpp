#include "common/DirectoryWatch.h"

#include "config/DirectoryEntry.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace litestream::app {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kQuiet = 250ms;
constexpr auto kLongestBurst = 2s;
constexpr std::uint32_t kDirectoryEvents = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_ONLYDIR;

}  // namespace

DirectoryWatch::DirectoryWatch(std::vector<config::Directory> directories, Changed changed)
    : directories_(std::move(directories)), changed_(std::move(changed)), events_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (!events_) throw systemError("watch directories", errno);
    thread_ = std::thread([this] { run(); });
}

DirectoryWatch::~DirectoryWatch() {
    done_.set();
    thread_.join();
}

void DirectoryWatch::run() {
    std::optional<Clock::time_point> due = Clock::now();
    Clock::time_point latest{};
    while (true) {
        const Woken woken = wait(due);
        if (woken == Woken::Done) return;
        const auto now = Clock::now();
        if (woken == Woken::Timeout) {
            due.reset();
            if (look()) due = now + kQuiet;
        } else if (readEvents()) {
            if (!due) latest = now + kLongestBurst;
            due = std::min(now + kQuiet, latest);
        }
    }
}

/// True when something is watched that was not watched before: it may have changed just before.
bool DirectoryWatch::look() {
    std::map<int, Watched> found;
    for (const config::Directory& directory : directories_) watchTree(directory, directory.path, found);
    bool added = false;
    for (const auto& [watch, watched] : found) added = added || !watches_.contains(watch);
    for (const auto& [watch, watched] : watches_) {
        if (!found.contains(watch)) ::inotify_rm_watch(events_.get(), watch);
    }
    watches_ = std::move(found);
    followed_ = changed_();
    return added;
}

void DirectoryWatch::watchTree(const config::Directory& directory, const fs::path& path, std::map<int, Watched>& found) {
    watchPath(path, kDirectoryEvents, directory, found);
    std::error_code error;
    for (fs::directory_iterator entry(path, error); !error && entry != fs::directory_iterator(); entry.increment(error)) {
        std::error_code gone;
        if (entry->is_directory(gone) && !entry->is_symlink(gone)) {
            if (directory.recursive && !config::isMetadata(directory, entry->path())) watchTree(directory, entry->path(), found);
        } else if (config::isNameOf(directory, entry->path()) && !followed_.contains(entry->path())) {
            watchPath(entry->path(), IN_MODIFY, directory, found);
        }
    }
}

void DirectoryWatch::watchPath(const fs::path& path, std::uint32_t mask, const config::Directory& directory, std::map<int, Watched>& found) {
    const int watch = ::inotify_add_watch(events_.get(), path.c_str(), mask);
    if (watch >= 0) {
        found[watch] = {path, &directory};
    } else if (errno != ENOENT && !std::exchange(warned_, true)) {
        log::warn("cannot watch a directory: what appears there later is found at the next start only",
                  {{"path", path.string()}, {"error", systemError("watch", errno).what()}});
    }
}

DirectoryWatch::Woken DirectoryWatch::wait(std::optional<Clock::time_point> until) const {
    std::array<pollfd, 2> wanted{{{events_.get(), POLLIN, 0}, {done_.descriptor().get(), POLLIN, 0}}};
    int timeout = -1;
    if (until) timeout = static_cast<int>(std::max<std::int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now()).count()));
    const int ready = ::poll(wanted.data(), wanted.size(), timeout);
    if (ready > 0 && (wanted[1].revents & POLLIN) != 0) return Woken::Done;
    return ready == 0 ? Woken::Timeout : Woken::Events;
}

bool DirectoryWatch::readEvents() {
    alignas(inotify_event) std::array<char, 16 * 1024> buffer{};
    bool any = false;
    for (ssize_t size = 0; (size = ::read(events_.get(), buffer.data(), buffer.size())) > 0;) {
        for (ssize_t at = 0; at < size;) {
            const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
            any = any || concerns(event->wd, event->mask, event->len > 0 ? event->name : "");
            at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
        }
    }
    return any;
}

bool DirectoryWatch::concerns(int watch, std::uint32_t mask, const std::string& name) const {
    if ((mask & IN_Q_OVERFLOW) != 0) return true;
    const auto found = watches_.find(watch);
    if (found == watches_.end() || (mask & IN_IGNORED) != 0) return false;
    if (name.empty()) return true;  // the file or the directory itself
    const Watched& watched = found->second;
    const fs::path path = watched.path / name;
    if ((mask & IN_ISDIR) != 0) return watched.directory->recursive && !config::isMetadata(*watched.directory, path);
    if (!config::isNameOf(*watched.directory, path)) return false;
    return (mask & IN_CLOSE_WRITE) == 0 || !followed_.contains(path);
}

}  // namespace litestream::app
