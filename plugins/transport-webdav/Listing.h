#pragma once

#include "Client.h"
#include "Leftovers.h"
#include "Multistatus.h"

#include <litestream/Transport.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace litestream::webdav {

/// Lists what is below the replica's root, a folder by a request (PROPFIND with Depth 1: many servers refuse more). A listing that ends at its
/// limit keeps what it has read for the call that goes on behind it, so that a long folder is asked for once. Thread-safe.
class Listing {
public:
    /// `leftovers` is told of unfinished files that nobody has touched for a day.
    Listing(Client& client, Leftovers& leftovers) : client_(client), leftovers_(leftovers) {}

    /// As Transport::list().
    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context);

    /// What the server tells of one key; nothing when it is not there.
    std::optional<Resource> find(const std::string& key, const std::string& operation, const CallContext& context) {
        return findPath(client_.pathOf(key), operation, context);
    }
    /// The same for a path as Client::pathOf() gives it.
    std::optional<Resource> findPath(const std::string& path, const std::string& operation, const CallContext& context);

private:
    class Walk;
    struct Entry {
        ObjectInfo info;  ///< a folder's key ends with '/', which puts its content at the right place among the files
        bool isFolder() const noexcept { return info.key.ends_with('/'); }
    };
    using Folder =
        std::shared_ptr<const std::vector<Entry>>;  ///< ascending; shared by a walk and what is kept for the next one
    using Folders = std::map<std::string, Folder>;

    /// Where a listing stopped.
    struct Stop {
        std::string prefix;
        std::string lastKey;
        CallContext::Clock::time_point at;
        Folders folders;
    };

    Folder read(const std::string& folder, const CallContext& context);
    Folders resume(std::string_view prefix, std::string_view startAfter);
    http::Response propfind(const std::string& path, const char* depth, const std::string& operation,
                            const CallContext& context, const std::function<void(Resource)>& take);

    Client& client_;
    Leftovers& leftovers_;
    std::mutex mutex_;  ///< guards stop_
    std::optional<Stop> stop_;
};

}  // namespace litestream::webdav
