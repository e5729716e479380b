#include "config/Resolve.h"

#include "plugin/OptionCheck.h"
#include "util/Units.h"

#include <algorithm>
#include <map>

namespace litestream::config {
namespace {

std::vector<std::string> pluginNames(const plugin::Registry& registry, PluginKind kind) {
    std::vector<std::string> names;
    for (const plugin::LoadedPlugin& plugin : registry.plugins()) {
        if (plugin.kind == kind) names.push_back(plugin.name);
    }
    return names;
}

/// The refusal of a file that bears the plugin's name says more than "there is none".
std::string refusalOf(const plugin::Registry& registry, std::string_view name) {
    for (const plugin::RefusedFile& refused : registry.refused()) {
        if (refused.file.stem().string().find(name) != std::string::npos) {
            return ": " + refused.file.string() + " was refused: " + refused.reason;
        }
    }
    return "";
}

const plugin::LoadedPlugin& findPlugin(const plugin::Registry& registry, PluginKind kind, const std::string& name,
                                       const std::string& what, const Place& place) {
    if (const plugin::LoadedPlugin* found = registry.find(kind, name)) return *found;
    const std::string reason = refusalOf(registry, name);
    const std::string hint = reason.empty() ? didYouMean(name, pluginNames(registry, kind)) : reason;
    throw Error(ErrorCode::Unsupported, place.prefix() + "no plugin for " + what + " \"" + name + "\"" + hint);
}

void addOption(OptionValues& values, const plugin::LoadedPlugin& plugin, const PluginOption& option,
               std::span<const std::string> coreKeys) {
    std::vector<std::string> known(coreKeys.begin(), coreKeys.end());
    for (const plugin::Option& declared : plugin.options) {
        known.push_back(declared.name);
        if (declared.name != option.name) continue;
        try {
            plugin::setOption(values, declared, option.value.reveal());
        } catch (const Error& error) {
            fail(option.place, option.name + ": " + error.what());
        }
        return;
    }
    fail(option.place, "unknown key \"" + option.name + "\": neither a setting nor an option of plugin \"" +
                           plugin.name + "\"" + didYouMean(option.name, known));
}

/// Defaults filled in, required ones present.
OptionValues complete(const plugin::LoadedPlugin& plugin, const OptionValues& values, const Place& place) {
    try {
        return plugin::completeOptions(plugin, values);
    } catch (const Error& error) {
        throw Error(error.code(), place.prefix() + error.what());
    }
}

OptionValues sourceOptions(const Database& database, const plugin::Registry& registry) {
    static const std::vector<std::string> kCoreKeys{"path",          "meta-path", "source", "codec",
                                                    "sync-interval", "takeover",  "replica"};
    const plugin::LoadedPlugin& plugin =
        findPlugin(registry, PluginKind::Source, database.source, "source", database.place);
    OptionValues values;
    for (const PluginOption& option : database.sourceOptions) addOption(values, plugin, option, kCoreKeys);
    return complete(plugin, values, database.place);
}

/// Replicas without a name are called after their transport: "file", "file-2", ...
void nameReplica(engine::ReplicaOptions& replica, const std::vector<engine::ReplicaOptions>& earlier,
                 const Place& place) {
    const auto taken = [&](const std::string& name) {
        return std::any_of(earlier.begin(), earlier.end(), [&](const auto& other) { return other.name == name; });
    };
    if (!replica.name.empty()) {
        if (taken(replica.name)) fail(place, "duplicate replica name: \"" + replica.name + "\"");
        return;
    }
    replica.name = replica.transport;
    for (int number = 2; taken(replica.name); ++number) replica.name = replica.transport + "-" + std::to_string(number);
}

/// What tells one replica location from another, in the transport's own terms.
std::string locationOf(const engine::ReplicaOptions& replica, const plugin::Registry& registry, const Place& place) {
    try {
        std::string location = replica.transport;
        for (const auto& [name, value] : registry.openTransport(replica.transport, replica.options)->describe()) {
            location += " " + name + "=" + value;
        }
        return location;
    } catch (const Error& error) {
        throw Error(error.code(), place.prefix() + "replica \"" + replica.name + "\": " + error.what());
    }
}

/// Resolves databases one after the other and keeps what may be used only once.
class Resolver {
public:
    Resolver(const Config& config, const plugin::Registry& registry) : config_(config), registry_(registry) {}

    std::vector<engine::DatabaseOptions> run() {
        if (config_.shutdownSyncTimeout.count() < 0) {
            fail({}, "shutdown-sync-timeout: shutdown-sync-timeout must be >= 0 (got " +
                         formatDuration(config_.shutdownSyncTimeout) + ")");
        }
        std::vector<engine::DatabaseOptions> out;
        for (const Database& database : config_.databases) out.push_back(one(database));
        return out;
    }

private:
    engine::DatabaseOptions one(const Database& database) {
        ++number_;
        checkPath(database);
        checkInterval(database);
        engine::DatabaseOptions options;
        options.path = database.path;
        options.metaPath = database.metaPath;
        options.source = database.source;
        options.sourceOptions = sourceOptions(database, registry_);
        options.codec = database.codec.empty() ? config_.codec : database.codec;
        findPlugin(registry_, PluginKind::Codec, options.codec, "codec", database.place);
        options.syncInterval = database.syncInterval;
        options.takeover = database.takeover;
        if (database.replicas.empty())
            fail(database.place, "must specify replica for database " + database.path.string());
        for (const Replica& replica : database.replicas) addReplica(options, replica);
        return options;
    }

    std::string label() const { return "database config #" + std::to_string(number_); }

    void checkPath(const Database& database) {
        if (database.path.empty()) fail(database.place, label() + ": must specify 'path'");
        const auto [earlier, isNew] = paths_.try_emplace(database.path.string(), number_);
        if (!isNew) {
            fail(database.place, label() + ": duplicate path \"" + database.path.string() +
                                     "\" (already used by database config #" + std::to_string(earlier->second) +
                                     "); each database can be listed only once");
        }
    }

    static void checkInterval(const Database& database) {
        if (database.syncInterval && database.syncInterval->count() <= 0) {
            fail(database.place, "sync-interval: sync interval must be greater than 0 (got " +
                                     formatDuration(*database.syncInterval) + ")");
        }
    }

    void addReplica(engine::DatabaseOptions& options, const Replica& replica) {
        engine::ReplicaOptions resolved = resolve(replica, registry_);
        nameReplica(resolved, options.replicas, replica.place);
        const std::string location = locationOf(resolved, registry_, replica.place);
        const auto [earlier, isNew] = locations_.try_emplace(location, options.path.string());
        if (!isNew) {
            fail(replica.place, "two replicas in one place (" + location + "): it is used by database " +
                                    earlier->second + " already. Each replica needs a place of its own");
        }
        options.replicas.push_back(std::move(resolved));
    }

    const Config& config_;
    const plugin::Registry& registry_;
    unsigned number_ = 0;
    std::map<std::string, unsigned> paths_;         ///< database path -> its number
    std::map<std::string, std::string> locations_;  ///< replica location -> its database
};

}  // namespace

engine::ReplicaOptions resolve(const Replica& replica, const plugin::Registry& registry) {
    static const std::vector<std::string> kCoreKeys{"url", "type"};
    engine::ReplicaOptions out;
    out.name = replica.name;
    out.transport = replica.type;
    if (!replica.url.empty()) {
        try {
            plugin::Registry::ParsedUrl parsed = registry.parseUrl(replica.url);
            if (!replica.type.empty() && replica.type != parsed.transport) {
                throw Error(ErrorCode::InvalidArgument, "type \"" + replica.type +
                                                            "\" does not fit the url, which is of type \"" +
                                                            parsed.transport + "\"");
            }
            out.transport = parsed.transport;
            out.options = std::move(parsed.options);
        } catch (const Error& error) {
            throw Error(error.code(), replica.place.prefix() + error.what());
        }
    }
    if (out.transport.empty()) fail(replica.place, "replica needs a \"url\" or a \"type\"");

    const plugin::LoadedPlugin& plugin =
        findPlugin(registry, PluginKind::Transport, out.transport, "replica type", replica.place);
    for (const PluginOption& option : replica.options) addOption(out.options, plugin, option, kCoreKeys);
    out.options = complete(plugin, out.options, replica.place);
    return out;
}

std::vector<engine::DatabaseOptions> resolve(const Config& config, const plugin::Registry& registry) {
    return Resolver(config, registry).run();
}

}  // namespace litestream::config
