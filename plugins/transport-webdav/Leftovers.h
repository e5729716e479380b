#pragma once

#include <litestream/Call.h>

#include <mutex>
#include <set>
#include <string>

namespace litestream::webdav {

class Client;

/// Unfinished files that nobody will finish: those of puts that failed, and old ones that a listing met. They are removed when something has
/// been put, so never by somebody who only reads. Thread-safe.
class Leftovers {
public:
    void add(const std::string& key);

    /// Tries to remove them, a few at a time, and forgets about them: who stays is met by a later listing.
    void remove(Client& client, const CallContext& context) noexcept;

private:
    std::mutex mutex_;  ///< guards keys_
    std::set<std::string> keys_;
};

}  // namespace litestream::webdav
