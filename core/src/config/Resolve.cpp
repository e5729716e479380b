#include "config/Resolve.h"

#include "config/DirectoryEntry.h"
#include "config/PluginOptions.h"
#include "config/ResolveReplica.h"
#include "engine/AutoSource.h"
#include "plugin/OptionCheck.h"
#include "util/Units.h"

#include <algorithm>
#include <map>

namespace litestream::config {
namespace {

OptionValues sourceOptions(const Database& database, const plugin::Registry& registry,
                           std::vector<std::string>& warnings) {
    static const std::vector<std::string> kCoreKeys{"path",  "dir",           "pattern",  "recursive",
                                                    "watch", "meta-path",     "meta-dir", "source",
                                                    "codec", "sync-interval", "takeover", "replica",
                                                    "restore-if-db-not-exists"};
    const plugin::LoadedPlugin plugin =
        database.source == engine::kAutoSource
            ? engine::describeAutoSource(registry)
            : findPlugin(registry, PluginKind::Source, database.source, "source", database.place);
    OptionValues values;
    for (const PluginOption& option : database.sourceOptions) applyOption(values, plugin, option, kCoreKeys, warnings);
    try {
        return plugin::completeOptions(plugin, values);
    } catch (const Error& error) {
        throw Error(error.code(), database.place.prefix() + error.what());
    }
}

/// Sets the codec and its options. Those of the top level are for the codec that is named there.
void chooseCodec(engine::DatabaseOptions& options, const Config& config, const Database& database,
                 const plugin::Registry& registry, std::vector<std::string>& warnings) {
    options.codec = database.codec.empty() ? config.codec : database.codec;
    const plugin::LoadedPlugin& plugin =
        findPlugin(registry, PluginKind::Codec, options.codec, "codec", database.place);
    std::vector<PluginOption> written;
    if (options.codec == config.codec) written = config.codecOptions;
    written.insert(written.end(), database.codecOptions.begin(), database.codecOptions.end());
    for (const PluginOption& option : written) applyOption(options.codecOptions, plugin, option, {}, warnings);
    try {
        registry.openCodec(options.codec, options.codecOptions);
    } catch (const Error& error) {
        throw Error(error.code(), database.place.prefix() + error.what());
    }
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
    Resolver(const Config& config, const plugin::Registry& registry, std::vector<std::string>& warnings)
        : config_(config), registry_(registry), warnings_(warnings) {}

    std::vector<engine::DatabaseOptions> run(const std::set<std::filesystem::path>& followed) {
        if (config_.shutdownSyncTimeout.count() < 0) {
            fail({}, "shutdown-sync-timeout: shutdown-sync-timeout must be >= 0 (got " +
                         formatDuration(config_.shutdownSyncTimeout) + ")");
        }
        if (config_.shutdownSyncInterval.count() <= 0) {
            fail({}, "shutdown-sync-interval: shutdown sync interval must be greater than 0 (got " +
                         formatDuration(config_.shutdownSyncInterval) + ")");
        }
        checkRates(config_.limits.rates);
        checkInterval(config_.syncInterval, {}, "sync-interval");
        for (const PluginOption& option : config_.replicaDefaults) checkDefault(option);
        std::vector<engine::DatabaseOptions> out;
        for (const Database& entry : config_.databases) {
            ++number_;
            checkEntry(entry);
            for (const Database& database : expandDirectory(entry, followed)) out.push_back(one(database));
        }
        return out;
    }

private:
    static void checkRates(const transport::Rates& rates) {
        // Less, and uploads run into their deadlines.
        constexpr double kLeastBytes = 64 * 1024;
        if (rates.requestsPerSecond < 0) fail({}, "rate-limit.requests-per-second: rate must not be negative (got " + number(rates.requestsPerSecond) + ")");
        if (rates.bytesPerSecond > 0 && rates.bytesPerSecond < kLeastBytes) {
            fail({}, "rate-limit.bytes-per-second: rate must be at least 64KiB, or 0 for no limit (got " + number(rates.bytesPerSecond) + ")");
        }
    }

    static std::string number(double whole) { return std::to_string(static_cast<std::int64_t>(whole)); }

    std::string label() const { return "database config #" + std::to_string(number_); }

    void checkEntry(const Database& entry) const {
        const Directory& directory = entry.directory;
        const bool isDirectory = !directory.path.empty();
        const auto refuseIf = [&](bool wrong, const char* text) {
            if (wrong) fail(entry.place, label() + ": " + text);
        };
        refuseIf(isDirectory && !entry.path.empty(), "cannot specify both 'path' and 'dir'");
        refuseIf(!isDirectory && entry.path.empty(), "must specify either 'path' or 'dir'");
        refuseIf(isDirectory && directory.pattern.empty(), "'pattern' is required when using 'dir'");
        refuseIf(!isDirectory && directory.watch, "'watch' can only be enabled with a directory");
        refuseIf(!isDirectory && !directory.metaPath.empty(), "'meta-dir' can only be used with a directory");
        refuseIf(!entry.metaPath.empty() && !directory.metaPath.empty(),
                 "cannot specify both 'meta-path' and 'meta-dir'");
        if (isDirectory && entry.restoreIfNotExists) {
            warnings_.push_back(entry.place.prefix() + "restore-if-db-not-exists has no effect on a directory: only what is there is known");
        }
    }

    engine::DatabaseOptions one(const Database& database) {
        checkPaths(database);
        engine::DatabaseOptions options;
        options.path = database.path;
        options.metaPath = database.metaPath;
        options.source = database.source;
        options.sourceOptions = sourceOptions(database, registry_, warnings_);
        chooseCodec(options, config_, database, registry_, warnings_);
        options.syncInterval = syncInterval(database);
        options.takeover = database.takeover;
        if (database.replicas.empty())
            fail(database.place, "must specify replica for database " + database.path.string());
        for (const Replica& replica : database.replicas) addReplica(options, replica);
        return options;
    }

    void checkPaths(const Database& database) {
        const std::string path = database.path.string();
        const auto [earlier, isNew] = paths_.try_emplace(path, number_);
        if (!isNew) {
            fail(database.place, label() + ": duplicate path \"" + path + "\" (already used by database config #" +
                                     std::to_string(earlier->second) + "); each database can be listed only once");
        }
        const auto meta = database.metaPath.empty()
                              ? database.path.parent_path() / ("." + database.path.filename().string() + "-litestream")
                              : database.metaPath;
        const auto [taken, isFree] = metaPaths_.try_emplace(meta.string(), path);
        if (!isFree) {
            fail(database.place, "meta-path collision: databases " + taken->second + " and " + path +
                                     " would share the metadata directory " + meta.string());
        }
    }

    static void checkInterval(const std::optional<std::chrono::nanoseconds>& interval, const Place& place,
                              const std::string& field) {
        if (interval && interval->count() <= 0) {
            fail(place, field + ": sync interval must be greater than 0 (got " + formatDuration(*interval) + ")");
        }
    }

    /// The engine has one interval for a database: the smallest that one of its replicas is to have.
    std::optional<std::chrono::nanoseconds> syncInterval(const Database& database) const {
        checkInterval(database.syncInterval, database.place, "sync-interval");
        const auto otherwise = database.syncInterval ? database.syncInterval : config_.syncInterval;
        std::optional<std::chrono::nanoseconds> smallest;
        for (const Replica& replica : database.replicas) {
            checkInterval(replica.syncInterval, replica.place,
                          "dbs[" + database.path.string() + "]." + replica.label + ".sync-interval");
            const auto own = replica.syncInterval ? replica.syncInterval : otherwise;
            if (own && (!smallest || *own < *smallest)) smallest = own;
        }
        return smallest;
    }

    void checkDefault(const PluginOption& option) const {
        for (const plugin::LoadedPlugin& plugin : registry_.plugins()) {
            if (plugin.kind == PluginKind::Transport && findOption(plugin, option.name) != nullptr) return;
        }
        warnings_.push_back(option.place.prefix() + "key \"" + option.name +
                            "\" has no effect: no transport plugin that was found takes it");
    }

    void addReplica(engine::DatabaseOptions& options, const Replica& replica) {
        engine::ReplicaOptions resolved = resolveReplica(replica, registry_, config_.replicaDefaults, warnings_);
        resolved.levels = levelsOf(replica, config_.levels);
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
    std::vector<std::string>& warnings_;
    unsigned number_ = 0;
    std::map<std::string, unsigned> paths_;         ///< database path -> its entry's number
    std::map<std::string, std::string> metaPaths_;  ///< metadata directory -> its database
    std::map<std::string, std::string> locations_;  ///< replica location -> its database
};

}  // namespace

std::vector<engine::DatabaseOptions> resolve(const Config& config, const plugin::Registry& registry,
                                             std::vector<std::string>& warnings, const std::set<std::filesystem::path>& followed) {
    std::vector<engine::DatabaseOptions> databases = Resolver(config, registry, warnings).run(followed);
    // The entry of a directory speaks once, not for each of its databases.
    std::vector<std::string> once;
    for (std::string& warning : warnings) {
        if (std::find(once.begin(), once.end(), warning) == once.end()) once.push_back(std::move(warning));
    }
    warnings = std::move(once);
    return databases;
}

engine::ReplicaOptions resolve(const Replica& replica, const plugin::Registry& registry) {
    std::vector<std::string> none;
    return resolveReplica(replica, registry, {}, none);
}

}  // namespace litestream::config
