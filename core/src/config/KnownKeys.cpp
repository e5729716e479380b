#include "config/KnownKeys.h"

#include <algorithm>
#include <array>

namespace litestream::config {
namespace {

using enum ValueType;

constexpr std::string_view kNoMetrics = "this version has no metrics endpoint";
constexpr std::string_view kNoHeartbeat = "this version sends no heartbeat";
constexpr std::string_view kNoSocket = "this version has no control socket";
constexpr std::string_view kNotOurLocks = "the source follows the database without that setting";

constexpr KnownKey kTop[] = {
    {"addr", Text, kNoMetrics},
    {"audit-interval", Duration, {}},
    {"auto-recover", Boolean, {}},
    {"codec", Text, {}},
    {"exec", Text, {}},
    {"heartbeat-interval", Duration, kNoHeartbeat},
    {"heartbeat-url", Text, kNoHeartbeat},
    {"l0-retention", Duration, {}},
    {"l0-retention-check-interval", Duration, {}},
    {"levels.interval", Duration, {}},
    {"logging.level", Text, {}},
    {"logging.source", Boolean, "log lines name no source file"},
    {"logging.stderr", Boolean, {}},
    {"logging.type", Text, {}},
    {"mcp-addr", Text, "this version has no MCP server"},
    {"memory-limit", Size, {}},
    {"plugin-path", Text, {}},
    {"rate-limit.bytes-per-second", Size, {}},
    {"rate-limit.requests-per-second", Integer, {}},
    {"retention.enabled", Boolean, {}},
    {"shutdown-sync-interval", Duration, {}},
    {"shutdown-sync-timeout", Duration, {}},
    {"snapshot.interval", Duration, {}},
    {"snapshot.retention", Duration, {}},
    {"socket.enabled", Boolean, kNoSocket},
    {"socket.path", Text, kNoSocket},
    {"socket.permissions", Integer, kNoSocket},
    {"spool-limit", Size, {}},
    {"sync-interval", Duration, {}},
    {"validation-interval", Duration, {}},
    {"validation.interval", Duration, {}},
    {"verify-compaction", Boolean, {}},
    {"verify-restore.directory", Text, {}},
    {"verify-restore.interval", Duration, {}},
    {"verify-restore.max-size", Size, {}},
};

constexpr KnownKey kDatabase[] = {
    {"busy-timeout", Duration, kNotOurLocks},
    {"checkpoint-interval", Duration, kNotOurLocks},
    {"codec", Text, {}},
    {"dir", Text, {}},
    {"max-checkpoint-page-count", Integer, kNotOurLocks},
    {"max-sync-wal-bytes", Integer, kNotOurLocks},
    {"meta-dir", Text, {}},
    {"meta-path", Text, {}},
    {"min-checkpoint-page-count", Integer, kNotOurLocks},
    {"monitor-interval", Duration, kNotOurLocks},
    {"name", Text, {}},
    {"path", Text, {}},
    {"pattern", Text, {}},
    {"recursive", Boolean, {}},
    {"restore-if-db-not-exists", Boolean, {}},
    {"snapshot.interval", Duration, {}},
    {"snapshot.retention", Duration, {}},
    {"source", Text, {}},
    {"sync-interval", Duration, {}},
    {"takeover", Boolean, {}},
    {"truncate-page-n", Integer, kNotOurLocks},
    {"watch", Boolean, {}},
};

constexpr KnownKey kReplica[] = {
    {"name", Text, {}},
    {"sync-interval", Duration, {}},
    {"type", Text, {}},
    {"url", Text, {}},
    // Replication settings of upstream, of either generation.
    {"auto-recover", Boolean, {}},
    {"max-sync-ltx-files", Integer, "one upload is in flight at a time"},
    {"retention", Duration, {}},
    {"retention-check-interval", Duration, {}},
    {"snapshot-interval", Duration, {}},
    {"validation-interval", Duration, {}},
    // Settings of transports. Those that only one transport has, and that are plain text, need no line here.
    {"access-key-id", Text, {}},
    {"account-key", Text, {}},
    {"account-name", Text, {}},
    {"bucket", Text, {}},
    {"client-cert", Text, {}},
    {"client-key", Text, {}},
    {"concurrency", Integer, {}},
    {"concurrent-writes", Boolean, {}},
    {"creds", Text, {}},
    {"endpoint", Text, {}},
    {"force-path-style", Boolean, {}},
    {"host", Text, {}},
    {"host-key", Text, {}},
    {"jwt", Text, {}},
    {"key-path", Text, {}},
    {"max-reconnects", Integer, {}},
    {"nkey", Text, {}},
    {"part-size", Size, {}},
    {"password", Text, {}},
    {"path", Text, {}},
    {"reconnect-wait", Duration, {}},
    {"region", Text, {}},
    {"require-content-md5", Boolean, {}},
    {"root-cas", TextList, {}},
    {"sas-token", Text, {}},
    {"secret-access-key", Text, {}},
    {"seed", Text, {}},
    {"session-token", Text, {}},
    {"sign-payload", Boolean, {}},
    {"skip-verify", Boolean, {}},
    {"sse-customer-algorithm", Text, {}},
    {"sse-customer-key", Text, {}},
    {"sse-customer-key-md5", Text, {}},
    {"sse-customer-key-path", Text, {}},
    {"sse-kms-key-id", Text, {}},
    {"storage-class", Text, {}},
    {"timeout", Duration, {}},
    {"tls", Boolean, {}},
    {"token", Text, {}},
    {"user", Text, {}},
    {"username", Text, {}},
};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::span<const KnownKey> knownKeys(KeyPlace place) {
    switch (place) {
        case KeyPlace::Top:
            return kTop;
        case KeyPlace::Database:
            return kDatabase;
        case KeyPlace::Replica:
            break;
    }
    return kReplica;
}

const KnownKey* findKnownKey(KeyPlace place, std::string_view name) {
    for (const KnownKey& key : knownKeys(place)) {
        if (key.name == name) return &key;
    }
    return nullptr;
}

bool isReplicaDefault(std::string_view name) {
    static constexpr std::array<std::string_view, 10> kOwnOnly{
        "name",          "type", "url", "path", "sync-interval", "retention", "retention-check-interval", "snapshot-interval", "auto-recover",
        "validation-interval"};
    // A setting that begins with the name of its transport.
    const bool ofOne = findKnownKey(KeyPlace::Top, name) == nullptr &&
                       (name.ends_with("-url") || name.ends_with("-username") || name.ends_with("-password"));
    return (ofOne || findKnownKey(KeyPlace::Replica, name) != nullptr) && !contains(kOwnOnly, name);
}

std::optional<std::string> codecOption(std::string_view key) {
    constexpr std::string_view kPrefix = "codec-";
    if (!key.starts_with(kPrefix) || key.size() == kPrefix.size()) return std::nullopt;
    return std::string(key.substr(kPrefix.size()));
}

bool isSecretKey(std::string_view name) {
    static constexpr std::array<std::string_view, 8> kSecrets{
        "access-key-id", "secret-access-key", "account-key", "sse-customer-key", "creds", "nkey", "seed", "jwt"};
    return contains(kSecrets, name) || name.find("password") != std::string_view::npos ||
           name.find("token") != std::string_view::npos;
}

bool isLocationKey(std::string_view name) {
    static constexpr std::array<std::string_view, 3> kPlaces{"bucket", "host", "path"};
    return contains(kPlaces, name) || name.ends_with("-url");
}

}  // namespace litestream::config
