#pragma once

#include "replica/Layout.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace litestream::migrate {

/// An object of a v0.3 replica: a snapshot, or a segment of a WAL. The same keys with every transport:
/// generations/<generation>/snapshots/<index>.snapshot.lz4 and generations/<generation>/wal/<index>_<offset>.wal.lz4.
struct GenerationFile {
    std::uint64_t generation = 0;
    std::uint32_t index = 0;               ///< of the WAL
    std::optional<std::uint64_t> offset;   ///< of a segment, in bytes; nothing = a snapshot
    auto operator<=>(const GenerationFile&) const = default;
};

/// An object of a replica, whatever its key looks like. v0.5's come before v0.3's.
using ObjectId = std::variant<replica::FileId, GenerationFile>;

/// A key taken apart.
struct ParsedKey {
    ObjectId id;
    LayoutFamily family = LayoutFamily::Tree;  ///< that the key is written in; no meaning for v0.3
};

/// Nothing for a key that no replica has. Both families are known: a directory may hold what was copied out of a bucket.
std::optional<ParsedKey> parseKey(std::string_view key);

/// A key of a replica that lies anywhere below a root: what comes before the replica's own key, "" or ending with '/'.
struct PlacedKey {
    std::string_view root;
    ParsedKey key;
};
std::optional<PlacedKey> findReplicaKey(std::string_view key);

std::string keyOf(const ObjectId& id, LayoutFamily family);

/// What the keys of v0.3 replicas begin with.
inline constexpr std::string_view kGenerations = "generations/";

inline bool isLtx(const ObjectId& id) noexcept { return std::holds_alternative<replica::FileId>(id); }

/// An object on which others build: a file that begins with TXID 1, or a snapshot.
bool isBase(const ObjectId& id) noexcept;

}  // namespace litestream::migrate
