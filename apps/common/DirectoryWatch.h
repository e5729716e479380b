#pragma once

#include "common/SignalWatch.h"
#include "config/Config.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace litestream::app {

/// Tells when the databases of watched directories may have changed: a file or directory came, went or was renamed, or a file with a matching name that was no
/// database yet was written to. Writes to databases that are followed, and to their logs, cost nothing. While nothing happens it sleeps.
class DirectoryWatch {
public:
    /// Does what the change asks for and returns the databases that are followed now, or cannot be. Called on the watch's thread: once at the start, then a quarter of a second after
    /// the last event of a burst, and at the latest two seconds after its first.
    using Changed = std::function<std::set<std::filesystem::path>()>;

    /// What cannot be watched is warned of, once.
    DirectoryWatch(std::vector<config::Directory> directories, Changed changed);
    /// Waits for the end of a call that is under way.
    ~DirectoryWatch();
    DirectoryWatch(const DirectoryWatch&) = delete;
    DirectoryWatch& operator=(const DirectoryWatch&) = delete;

private:
    using Clock = std::chrono::steady_clock;
    enum class Woken { Done, Events, Timeout };

    struct Watched {
        std::filesystem::path path;
        const config::Directory* directory;
    };

    void run();
    bool look();
    Woken wait(std::optional<Clock::time_point> until) const;
    bool readEvents();
    bool concerns(int watch, std::uint32_t mask, const std::string& name) const;
    void watchTree(const config::Directory& directory, const std::filesystem::path& path, std::map<int, Watched>& found);
    void watchPath(const std::filesystem::path& path, std::uint32_t mask, const config::Directory& directory, std::map<int, Watched>& found);

    const std::vector<config::Directory> directories_;
    const Changed changed_;
    FileDescriptor events_;
    std::map<int, Watched> watches_;
    std::set<std::filesystem::path> followed_;
    bool warned_ = false;
    Event done_;
    std::thread thread_;
};

}  // namespace litestream::app
