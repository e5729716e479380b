#include "config/DirectoryEntry.h"

#include "util/FileIo.h"
#include "util/Inode.h"

#include <Poco/Glob.h>
#include <Poco/URI.h>

#include <algorithm>
#include <array>
#include <fstream>

namespace litestream::config {
namespace {

namespace fs = std::filesystem;

/// Go's glob as Poco's: "[^a]" is "[!a]" there. Throws Error(InvalidArgument) for a set without an end or members and a
/// backslash at the end.
std::string checkedPattern(std::string pattern) {
    const Error bad(ErrorCode::InvalidArgument, "syntax error in pattern");
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        if (pattern[at] == '\\') {
            if (++at == pattern.size()) throw bad;
        } else if (pattern[at] == '[') {
            if (at + 1 < pattern.size() && pattern[at + 1] == '^') pattern[++at] = '!';
            const std::size_t close = pattern.find(']', at + 1);
            if (close == std::string::npos || close == at + 1) throw bad;
            at = close;
        }
    }
    return pattern;
}

bool isDatabase(const fs::path& file) {
    static constexpr std::string_view kHeader("SQLite format 3\0", 16);
    if (!fs::is_regular_file(file)) return false;
    std::ifstream stream(file, std::ios::binary);
    if (!stream && errno == ENOENT) return false;
    if (!stream) throw systemError("open " + file.string(), errno);
    std::array<char, kHeader.size()> head{};
    stream.read(head.data(), head.size());
    return stream && std::string_view(head.data(), head.size()) == kHeader;
}

/// By path, for a file that comes while it is waited for, and by inode, for links.
class Followed {
public:
    explicit Followed(const std::set<fs::path>& paths) : paths_(paths) {
        for (const fs::path& path : paths) {
            if (const auto inode = inodeOf(path)) inodes_.insert(*inode);
        }
    }
    bool contains(const fs::path& file) const {
        if (paths_.contains(file)) return true;
        const auto inode = inodeOf(file);
        return inode && inodes_.contains(*inode);
    }

private:
    const std::set<fs::path>& paths_;
    std::set<Inode> inodes_;
};

bool isSidecar(const fs::path& file) {
    const std::string path = file.string();
    std::error_code unknown;
    for (const std::string_view suffix : {"-wal", "-shm", "-journal"}) {
        if (path.ends_with(suffix)) return fs::exists(path.substr(0, path.size() - suffix.size()), unknown);
    }
    return false;
}

std::vector<fs::path> filesOf(const Directory& directory, const Followed& followed) {
    Poco::Glob glob(checkedPattern(directory.pattern));
    std::vector<fs::path> files;
    const auto look = [&](const fs::path& file) {
        if (!glob.match(file.filename().string()) || isSidecar(file)) return;
        if (followed.contains(file) || isDatabase(file)) files.push_back(file);
    };
    if (directory.recursive) {
        for (fs::recursive_directory_iterator entry(directory.path); entry != fs::recursive_directory_iterator(); ++entry) {
            if (isMetadata(directory, entry->path())) entry.disable_recursion_pending();
            look(entry->path());
        }
    } else {
        for (const auto& entry : fs::directory_iterator(directory.path)) look(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::vector<fs::path> scan(const Database& entry, const Followed& followed) {
    const std::string what = "failed to scan directory " + entry.directory.path.string() + ": ";
    try {
        return filesOf(entry.directory, followed);
    } catch (const fs::filesystem_error& error) {
        fail(entry.place, what + systemError("read", error.code().value()).what());
    } catch (const Error& error) {
        fail(entry.place, what + error.what());
    }
}

std::string joined(std::string place, const std::string& below) {
    while (place.ends_with('/')) place.pop_back();
    return place.empty() ? below : place + "/" + below;
}

/// `below` goes behind the url's path, ahead of its query.
std::string urlBelow(const std::string& url, const std::string& below) {
    std::string encoded;
    Poco::URI::encode(below, "?#", encoded);
    const std::size_t query = std::min(url.find('?'), url.size());
    return joined(url.substr(0, query), encoded) + url.substr(query);
}

void moveBelow(Replica& replica, const std::string& below) {
    if (!replica.url.empty()) {
        replica.url = urlBelow(replica.url, below);
        return;
    }
    for (PluginOption& option : replica.options) {
        if (option.name != "path") continue;
        option.value = Secret(joined(option.value.reveal(), below));
        return;
    }
    replica.options.push_back({"path", Secret(below), replica.place, false, {}});
}

Database databaseAt(const Database& entry, const fs::path& file) {
    const fs::path below = file.lexically_relative(entry.directory.path);
    Database database = entry;
    database.directory = {};
    database.path = file;
    if (!entry.directory.metaPath.empty()) {
        database.metaPath = (entry.directory.metaPath / below).string() + "-litestream";
    } else if (!entry.metaPath.empty()) {
        database.metaPath = (entry.metaPath / below.parent_path() / ("." + file.filename().string() + "-litestream"))
                                .lexically_normal();
    }
    for (Replica& replica : database.replicas) moveBelow(replica, below.generic_string());
    return database;
}

}  // namespace

bool isNameOf(const Directory& directory, const fs::path& file) {
    return Poco::Glob(checkedPattern(directory.pattern)).match(file.filename().string()) && !isSidecar(file);
}

bool isMetadata(const Directory& directory, const fs::path& below) {
    const std::string name = below.filename().string();
    return (name.starts_with('.') && name.ends_with("-litestream")) || below == directory.metaPath;
}

std::vector<Database> expandDirectory(const Database& entry, const std::set<fs::path>& followed) {
    if (entry.directory.path.empty()) return {entry};
    std::vector<Database> databases;
    for (const fs::path& file : scan(entry, Followed(followed))) databases.push_back(databaseAt(entry, file));
    if (databases.empty() && !entry.directory.watch) {
        fail(entry.place, "no SQLite databases found in directory " + entry.directory.path.string() + " with pattern " +
                              entry.directory.pattern);
    }
    return databases;
}

}  // namespace litestream::config
