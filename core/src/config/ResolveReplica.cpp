#include "config/ResolveReplica.h"

#include "config/KnownKeys.h"
#include "config/PluginOptions.h"
#include "plugin/OptionCheck.h"
#include "util/ShownUrl.h"

#include <algorithm>
#include <cctype>

namespace litestream::config {
namespace {

bool isUrl(std::string_view text) {
    const auto isWord = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
    const std::string_view scheme = text.substr(0, text.find("://"));
    return !scheme.empty() && scheme.size() < text.size() && std::all_of(scheme.begin(), scheme.end(), isWord);
}

/// The plugin that a replica names in one way or the other.
const plugin::LoadedPlugin& pluginOf(const Replica& replica, const plugin::Registry& registry) {
    if (replica.url.empty()) {
        if (replica.type.empty()) fail(replica.place, "replica needs a \"url\" or a \"type\"");
        return findTransport(registry, replica.type, replica.place);
    }
    if (!isUrl(replica.url)) fail(replica.place, "replica url scheme required: " + shownUrl(replica.url));
    const auto& plugin = findTransport(registry, replica.url.substr(0, replica.url.find(':')), replica.place);
    const auto fits = [&](const std::string& type) {
        return type == plugin.name ||
               std::find(plugin.schemes.begin(), plugin.schemes.end(), type) != plugin.schemes.end();
    };
    if (!replica.type.empty() && !fits(replica.type)) {
        fail(replica.place,
             "type \"" + replica.type + "\" does not fit the url, which is of type \"" + plugin.name + "\"");
    }
    return plugin;
}

/// A url says where a replica is, and a path is no url.
void checkLocation(const Replica& replica, const plugin::LoadedPlugin& plugin) {
    for (const PluginOption& option : replica.options) {
        if (!isLocationKey(option.name) || option.value.empty() || findOption(plugin, option.name) == nullptr) continue;
        if (!replica.url.empty())
            fail(option.place, "cannot specify url & " + option.name + " for " + plugin.name + " replica");
        if (option.name == "path" && isUrl(option.value.reveal())) {
            fail(option.place,
                 "replica path cannot be a url, please use the 'url' field instead: " + shownUrl(option.value.reveal()));
        }
    }
}

void checkRequired(const OptionValues& values, const plugin::LoadedPlugin& plugin, const Place& place) {
    for (const plugin::Option& option : plugin.options) {
        const bool has =
            values.has(option.name) && !(values.texts().contains(option.name) && values.text(option.name).empty());
        if (!option.required || has || !option.defaultValue.empty()) continue;
        fail(place, option.name == "path" ? plugin.name + " replica path required"
                                          : option.name + " required for " + plugin.name + " replica");
    }
}

/// `work`, whose errors do not know the place yet.
template <class Work>
auto placed(const Place& place, Work work) {
    try {
        return work();
    } catch (const Error& error) {
        throw Error(error.code(), place.prefix() + error.what());
    }
}

}  // namespace

engine::ReplicaOptions resolveReplica(const Replica& replica, const plugin::Registry& registry,
                                      std::span<const PluginOption> defaults, std::vector<std::string>& warnings) {
    static const std::vector<std::string> kCoreKeys{"url", "type", "name", "sync-interval"};
    const plugin::LoadedPlugin& plugin = pluginOf(replica, registry);
    checkLocation(replica, plugin);
    engine::ReplicaOptions out;
    out.name = replica.name;
    out.transport = plugin.name;
    if (!replica.url.empty()) {
        out.options = placed(replica.place, [&] { return registry.parseUrl(replica.url).options; });
    }
    for (const PluginOption& option : replica.options) applyOption(out.options, plugin, option, kCoreKeys, warnings);
    for (const PluginOption& option : defaults) {
        const bool reaches = replica.url.empty() || !isLocationKey(option.name);
        if (reaches && !out.options.has(option.name) && findOption(plugin, option.name) != nullptr)
            applyOption(out.options, plugin, option, kCoreKeys, warnings);
    }
    checkRequired(out.options, plugin, replica.place);
    out.options = placed(replica.place, [&] { return plugin::completeOptions(plugin, out.options); });
    return out;
}

levels::Settings levelsOf(const Replica& replica, const levels::Settings& global) {
    levels::Settings settings = global;
    if (replica.retentionCheckInterval && replica.retentionCheckInterval->count() > 0) {
        settings.checkInterval = *replica.retentionCheckInterval;
    }
    if (replica.retention) {
        settings.deletes = settings.deletes && replica.retention->count() > 0;
        if (settings.deletes) {
            settings.snapshotRetention = *replica.retention;
            // Version 0.3 made a snapshot when the last one was about to leave the retention.
            settings.snapshotInterval = std::min(settings.snapshotInterval, *replica.retention);
        }
    }
    if (replica.snapshotInterval && replica.snapshotInterval->count() > 0) {
        settings.snapshotInterval = *replica.snapshotInterval;
    }
    if (replica.validationInterval) settings.validationInterval = std::max(*replica.validationInterval, std::chrono::nanoseconds(0));
    return settings;
}

}  // namespace litestream::config
