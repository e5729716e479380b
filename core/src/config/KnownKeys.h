#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The keys that litestream.yml has by its format, as data: what upstream reads, and ours. Options of plugins that upstream does not
/// know come on top of them.
namespace litestream::config {

enum class ValueType { Text, Boolean, Integer, Duration, Size, TextList };

/// Where a key stands. Keys of a block inside are written with dots: "snapshot.interval".
enum class KeyPlace { Top, Database, Replica };

struct KnownKey {
    std::string_view name;
    ValueType type;
    std::string_view unused;  ///< why it has no effect here; empty = it has, or a plugin decides
};

std::span<const KnownKey> knownKeys(KeyPlace place);

/// Null when the format has no such key there.
const KnownKey* findKnownKey(KeyPlace place, std::string_view name);

/// What a replica may inherit from the top level, beside the keys that core reads itself.
bool isReplicaDefault(std::string_view name);

/// The codec's option that a key names ("codec-level" -> "level"); nothing for other keys.
std::optional<std::string> codecOption(std::string_view key);

/// True when nobody may see the value of a key of this name, whatever plugin it belongs to.
bool isSecretKey(std::string_view name);

/// Says where a replica is, so a url and this option exclude each other, and no default of it reaches a url.
bool isLocationKey(std::string_view name);

}  // namespace litestream::config
