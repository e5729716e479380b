#pragma once

#include <litestream/Call.h>
#include <litestream/Types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace litestream {

/// The two ways in which upstream names LTX objects below a replica's root.
enum class LayoutFamily : std::uint32_t {
    Tree = 0,  ///< ltx/<level in decimal>/<min>-<max>.ltx   (file, sftp, webdav, gs, abs, nats)
    Flat = 1,  ///< <level as four hex digits>/<min>-<max>.ltx   (s3, oss)
};

/// What a transport can do. Data, never inferred from a name.
struct TransportCapabilities {
    LayoutFamily layout = LayoutFamily::Tree;
    /// put() with `onlyIfAbsent` is atomic: of two concurrent calls for one key exactly one succeeds.
    bool conditionalPut = false;
    /// list() tells the timestamp given to put(). Otherwise it tells the store's own time, and head() the exact one.
    bool listsTimestamp = false;
    /// Requests cost money: core then cuts fewer, larger objects.
    bool requestsAreCounted = false;
    /// head() tells the timestamp given to put(). Otherwise it tells the store's own time, and whoever needs the exact one reads the
    /// object's header.
    bool keepsTimestamp = true;
    /// How many calls at a time are useful.
    unsigned concurrency = 4;
};

/// The content of an object on its way out, read once from front to back.
class Body {
public:
    virtual ~Body() = default;

    /// Total bytes if known beforehand.
    virtual std::optional<std::uint64_t> size() const = 0;

    /// The next run of bytes, of any length; empty at the end. It stays valid until the next call of next() or rewind().
    /// Throws Error when the content cannot be produced: the transport then leaves nothing visible and lets it pass.
    virtual ConstBytes next() = 0;

    /// Back to the first byte, for another attempt. The same bytes come again.
    virtual void rewind() = 0;
};

/// Mode and owner that a file-like transport gives to what it creates; others ignore it.
struct FileAttributes {
    std::uint32_t fileMode = 0600;
    std::uint32_t directoryMode = 0700;
    /// Owner and group; absent = leave as created. Not being allowed to change the owner is no failure.
    std::optional<std::pair<std::uint32_t, std::uint32_t>> owner;
};

struct PutOptions {
    Timestamp timestamp;        ///< kept with the object as the transport can
    bool onlyIfAbsent = false;  ///< asked for only where capabilities().conditionalPut
    FileAttributes attributes;
};

struct ObjectInfo {
    std::string key;
    std::uint64_t size = 0;
    Timestamp timestamp;  ///< see TransportCapabilities::listsTimestamp
};

struct RemoveFailure {
    std::string key;
    std::string reason;
};

/// An object store below one root: flat keys, immutable objects, strong or eventual listing.
///
/// Keys are relative to the root, UTF-8, segments joined by '/', no leading or trailing '/', no "." or "..". A transport
/// refuses others with Error(InvalidArgument).
///
/// Errors: Error only, with the code that fits (Error.h). A transport tries each call once; retries are core's business. It
/// may replace a pooled connection that turned out to be dead.
/// Threads: all methods may be called concurrently on one object.
/// Time: all methods block, keep to `context` and hold no lock of the caller.
class Transport {
public:
    virtual ~Transport() = default;

    virtual const TransportCapabilities& capabilities() const noexcept = 0;

    /// Where the root is, as name=value pairs for log lines ("path" -> "/backup/db"). No secrets.
    virtual std::vector<std::pair<std::string, std::string>> describe() const = 0;

    /// Stores an object. When it returns, the object is durable, whole, and visible to get() and head(); when it throws, the key
    /// holds what it held before or (after a lost answer) the new object, never a part. Replaces an existing object
    /// unless `onlyIfAbsent`: then an existing one is left alone and Error(Conflict) thrown. Creates what lies on the way.
    /// Returns the number of bytes stored.
    virtual std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) = 0;

    /// Reads from `offset` on until `into` is full or the object ends; returns how many bytes came. So a return below into.size()
    /// means that the object ends there. An offset at or behind the end gives 0. Error(NotFound) if there is no such object.
    virtual std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) = 0;

    /// Size and exact timestamp of one object. Error(NotFound) if there is none.
    virtual ObjectInfo head(const std::string& key, const CallContext& context) = 0;

    /// Up to `limit` (at least 1) objects whose key begins with `prefix` and is greater than `startAfter`, ascending by the bytes of
    /// the key. Fewer than `limit` means that there are no more. A root or prefix that does not exist has no objects.
    /// Things below the root that are no whole objects (temporary files) are not listed.
    virtual std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                         const CallContext& context) = 0;

    /// Removes objects. One that is already gone counts as removed. Returns those that could not be removed; throws
    /// only when nothing was tried.
    virtual std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) = 0;
};

}  // namespace litestream
