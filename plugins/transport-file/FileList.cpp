#include "FileList.h"

#include "FileTime.h"
#include "NewKey.h"

#include <litestream/Error.h>
#include <litestream/Key.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace litestream::file {

namespace {

/// Deeper than any layout; it ends a walk through links that lead in circles.
constexpr int kMaxDepth = 32;

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

/// One walk, in ascending order of whole keys.
class Walk {
public:
    Walk(const std::string& root, std::string_view prefix, std::string_view startAfter, std::size_t limit,
         const CallContext& context)
        : root_(root), prefix_(prefix), startAfter_(startAfter), limit_(limit), context_(context) {}

    std::vector<ObjectInfo> run() {
        // Only the directories that the prefix names are walked; its last part filters names.
        const std::size_t slash = prefix_.rfind('/');
        const std::string_view base = slash == std::string_view::npos ? std::string_view() : prefix_.substr(0, slash + 1);
        if (!base.empty()) checkKey(base.substr(0, slash));
        visit(std::string(base), 0);
        return std::move(found_);
    }

private:
    struct Entry {
        std::string key;  ///< a directory's ends with '/', which puts its content at the right place among the files
        bool isDirectory() const noexcept { return key.ends_with('/'); }
    };

    void visit(const std::string& base, int depth) {
        context_.check("list");
        const std::string path = root_ + '/' + base;
        const Directory directory(::opendir(path.c_str()));
        if (directory == nullptr) {
            // A level that was never written, or a directory removed while we walk.
            if (errno == ENOENT) return;
            throw systemError("list " + path, errno);
        }
        for (const Entry& entry : read(directory.get(), base, path)) {
            if (found_.size() == limit_) return;
            if (!entry.isDirectory()) {
                report(directory.get(), entry, base.size());
            } else if (depth < kMaxDepth) {
                visit(entry.key, depth + 1);
            }
        }
    }

    std::vector<Entry> read(DIR* directory, const std::string& base, const std::string& path) const {
        std::vector<Entry> entries;
        for (;;) {
            errno = 0;
            const dirent* item = ::readdir(directory);
            if (item == nullptr) break;
            const std::string_view name = item->d_name;
            if (name == "." || name == ".." || isTemporaryName(name)) continue;
            Entry entry{base + item->d_name};
            if (item->d_type == DT_DIR || (mayBeLink(item->d_type) && isDirectory(directory, item->d_name))) {
                entry.key += '/';
            } else if (item->d_type != DT_REG && !mayBeLink(item->d_type)) {
                continue;
            }
            if (isWanted(entry)) entries.push_back(std::move(entry));
        }
        if (errno != 0) throw systemError("list " + path, errno);
        std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
        return entries;
    }

    static bool mayBeLink(unsigned char type) noexcept { return type == DT_LNK || type == DT_UNKNOWN; }

    static bool isDirectory(DIR* directory, const char* name) {
        struct stat status{};
        return ::fstatat(::dirfd(directory), name, &status, 0) == 0 && S_ISDIR(status.st_mode);
    }

    bool isWanted(const Entry& entry) const {
        const std::string_view key = entry.key;
        if (!entry.isDirectory()) return key.starts_with(prefix_) && key > startAfter_;
        const bool mayMatch = key.starts_with(prefix_) || prefix_.starts_with(key);
        return mayMatch && (key > startAfter_ || startAfter_.starts_with(key));
    }

    void report(DIR* directory, const Entry& entry, std::size_t baseLength) {
        struct stat status{};
        if (::fstatat(::dirfd(directory), entry.key.c_str() + baseLength, &status, 0) != 0) {
            // Removed since the directory was read, or a link that leads nowhere.
            if (errno == ENOENT || errno == ELOOP) return;
            throw systemError("list " + root_ + '/' + entry.key, errno);
        }
        if (!S_ISREG(status.st_mode)) return;
        found_.push_back({entry.key, static_cast<std::uint64_t>(status.st_size), timestampOf(status.st_mtim)});
    }

    const std::string& root_;
    const std::string_view prefix_;
    const std::string_view startAfter_;
    const std::size_t limit_;
    const CallContext& context_;
    std::vector<ObjectInfo> found_;
};

}  // namespace

std::vector<ObjectInfo> listTree(const std::string& root, std::string_view prefix, std::string_view startAfter,
                                 std::size_t limit, const CallContext& context) {
    return Walk(root, prefix, startAfter, limit, context).run();
}

}  // namespace litestream::file
