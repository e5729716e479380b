#pragma once

#include "Client.h"
#include "Listing.h"

#include <litestream/Transport.h>

#include <atomic>
#include <cstdint>
#include <string>

namespace litestream::webdav {

/// Sends bodies to unfinished files. A body that does not know its size goes in chunks; to servers that do not take them, or drop them as some
/// do behind a proxy, it goes with its length, after it has been read once to learn it. Thread-safe.
class Upload {
public:
    Upload(Client& client, Listing& listing) : client_(client), listing_(listing) {}

    /// Returns the bytes sent. When it throws, part of them may be there.
    std::uint64_t send(const std::string& key, Body& body, const std::string& operation, const CallContext& context);

private:
    std::uint64_t sendSized(const std::string& key, Body& body, std::uint64_t size, const std::string& operation,
                            const CallContext& context);
    bool sendChunked(const std::string& key, Body& body, std::uint64_t& sent, const std::string& operation,
                     const CallContext& context);

    Client& client_;
    Listing& listing_;
    std::atomic<bool> takesChunks_{true};
};

}  // namespace litestream::webdav
