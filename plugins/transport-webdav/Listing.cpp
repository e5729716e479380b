#include "Listing.h"

#include "Names.h"
#include "http/Digest.h"
#include "http/HttpTime.h"

#include <litestream/Error.h>
#include <litestream/Key.h>

#include <Poco/Exception.h>
#include <Poco/URI.h>

#include <algorithm>
#include <utility>

namespace litestream::webdav {

namespace {

/// Deeper than any layout; it ends a walk through links that lead in circles.
constexpr int kMaxDepth = 32;
/// What a listing has read is good for its continuation for this long.
constexpr std::chrono::seconds kStopLife{60};
constexpr std::int64_t kUntouchedMs = 24 * 3600 * 1000;
/// A server may have to look at every file of a folder before it answers.
constexpr std::chrono::seconds kPatience{60};

std::string decodedPath(const std::string& encoded) {
    std::string path;
    Poco::URI::decode(encoded, path);
    while (path.ends_with('/')) path.pop_back();
    return path;
}

bool isKey(const std::string& key) {
    try {
        checkKey(key);
        return true;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

/// One walk, in ascending order of whole keys.
class Listing::Walk {
public:
    Walk(Listing& listing, std::string_view prefix, std::string_view startAfter, std::size_t limit,
         const CallContext& context)
        : listing_(listing),
          prefix_(prefix),
          startAfter_(startAfter),
          limit_(limit),
          context_(context),
          folders_(listing.resume(prefix, startAfter)) {}

    std::vector<ObjectInfo> run() {
        // Only the folders that the prefix names are walked; its last part filters names.
        const std::string base(folderOf(prefix_));
        if (!base.empty()) checkKey(base.substr(0, base.size() - 1));
        visit(base, 0);
        return std::move(found_);
    }
    bool isFull() const noexcept { return found_.size() == limit_; }
    Folders takeFolders() { return std::move(folders_); }

private:
    void visit(const std::string& base, int depth) {
        Folder& folder = folders_[base];
        if (folder == nullptr) folder = listing_.read(base, context_);
        for (const Entry& entry : *folder) {
            if (isFull()) return;
            if (!isWanted(entry)) continue;
            if (!entry.isFolder()) {
                found_.push_back(entry.info);
            } else if (depth < kMaxDepth) {
                visit(entry.info.key, depth + 1);
            }
        }
        if (!isFull()) folders_.erase(base);
    }

    bool isWanted(const Entry& entry) const {
        const std::string_view key = entry.info.key;
        if (!entry.isFolder()) return key.starts_with(prefix_) && key > startAfter_;
        const bool mayMatch = key.starts_with(prefix_) || prefix_.starts_with(key);
        return mayMatch && (key > startAfter_ || startAfter_.starts_with(key));
    }

    Listing& listing_;
    const std::string_view prefix_;
    const std::string_view startAfter_;
    const std::size_t limit_;
    const CallContext& context_;
    Folders folders_;
    std::vector<ObjectInfo> found_;
};

std::vector<ObjectInfo> Listing::list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                      const CallContext& context) {
    context.check("list");
    Walk walk(*this, prefix, startAfter, limit, context);
    std::vector<ObjectInfo> found = walk.run();
    if (found.size() == limit) {
        const std::lock_guard lock(mutex_);
        stop_ = Stop{std::string(prefix), found.back().key, CallContext::Clock::now(), walk.takeFolders()};
    }
    return found;
}

Listing::Folders Listing::resume(std::string_view prefix, std::string_view startAfter) {
    const std::lock_guard lock(mutex_);
    if (!stop_) return {};
    const Stop stop = *std::exchange(stop_, std::nullopt);
    const bool goesOn = !startAfter.empty() && stop.lastKey == startAfter && stop.prefix == prefix &&
                        CallContext::Clock::now() - stop.at < kStopLife;
    return goesOn ? stop.folders : Folders{};
}

http::Response Listing::propfind(const std::string& path, const char* depth, const std::string& operation,
                                 const CallContext& context, const std::function<void(Resource)>& take) {
    const DavCall call{.operation = operation,
                       .method = "PROPFIND",
                       .path = path,
                       .headers = {{"Depth", depth}, {"Content-Type", "application/xml; charset=utf-8"}},
                       .body = http::bytesOf(kPropfindBody),
                       .reader = [&](std::istream& document) { readMultistatus(document, operation, take); },
                       .accepted = {404, 410},
                       .patience = kPatience};
    return client_.send(call, context);
}

Listing::Folder Listing::read(const std::string& folder, const CallContext& context) {
    context.check("list");
    auto entries = std::make_shared<std::vector<Entry>>();
    std::vector<Resource> unfinished;
    const std::string self = decodedPath(client_.pathOf(folder));
    const std::string operation = "list " + (folder.empty() ? "/" : folder);
    bool selfSeen = false;
    std::string other;
    const auto response = propfind(client_.pathOf(folder), "1", operation, context, [&](Resource resource) {
        if (resource.path == self) {
            selfSeen = true;
            return;
        }
        if (!resource.path.starts_with(self + "/") || resource.path.find('/', self.size() + 1) != std::string::npos) {
            other = resource.path;
            return;
        }
        std::string name = resource.path.substr(self.size() + 1);
        // What others put there may be no key at all.
        if (!isKey(folder + name)) return;
        if (!resource.isFolder && isUnfinished(name)) {
            resource.path = folder + name;
            unfinished.push_back(std::move(resource));
        } else {
            entries->push_back({{folder + name + (resource.isFolder ? "/" : ""), resource.size, resource.modified}});
        }
    });
    // An empty listing of another place must not pass for an empty folder.
    if (response.succeeded() && !selfSeen) {
        throw Error(ErrorCode::InvalidArgument, operation + ": the server answers for " +
                                                    (other.empty() ? "another folder" : other) + " instead of " + self +
                                                    ". Set webdav-url to the URL that the server itself uses");
    }
    const auto now = http::parseHttpDate(std::string(response.header("Date")));
    for (const Resource& file : unfinished) {
        const bool isOld =
            now && file.modified.milliseconds > 0 && now->milliseconds - file.modified.milliseconds > kUntouchedMs;
        if (isOld && isOurUnfinished(file.path)) leftovers_.add(file.path);
    }
    std::sort(entries->begin(), entries->end(), [](const Entry& a, const Entry& b) { return a.info.key < b.info.key; });
    return entries;
}

std::optional<Resource> Listing::findPath(const std::string& path, const std::string& operation,
                                          const CallContext& context) {
    std::optional<Resource> found;
    propfind(path, "0", operation, context, [&](Resource resource) { found = std::move(resource); });
    return found;
}

}  // namespace litestream::webdav
