#pragma once

#include "Client.h"
#include "Listing.h"

#include <mutex>
#include <set>
#include <string>

namespace litestream::webdav {

/// Makes the folders that objects lie in. Remembers which ones are there, so that most puts cost no request for it. Thread-safe.
class Collections {
public:
    Collections(Client& client, Listing& listing) : client_(client), listing_(listing) {}

    /// `folder` is "" (the root) or ends with '/'. Makes it and what is missing above it, the path of the root included.
    void prepare(const std::string& folder, const std::string& operation, const CallContext& context);
    /// Somebody else removed folders: nothing is certain any more.
    void forget();

private:
    void make(const std::string& path, const std::string& operation, const CallContext& context);
    bool tryToMake(const std::string& path, const std::string& operation, const CallContext& context);

    Client& client_;
    Listing& listing_;
    std::mutex mutex_;  ///< guards known_
    std::set<std::string> known_;
};

}  // namespace litestream::webdav
