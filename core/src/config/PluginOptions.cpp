#include "config/PluginOptions.h"

#include "plugin/OptionCheck.h"

#include <Poco/String.h>
#include <algorithm>

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

/// The registry's own words on a transport that is not there.
std::string whyMissing(const plugin::Registry& registry, const std::string& transport) {
    try {
        registry.openTransport(transport, {});
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

}  // namespace

const plugin::LoadedPlugin& findPlugin(const plugin::Registry& registry, PluginKind kind, const std::string& name,
                                       const std::string& what, const Place& place) {
    if (const plugin::LoadedPlugin* found = registry.find(kind, name)) return *found;
    const std::string reason = refusalOf(registry, name);
    const std::string hint = reason.empty() ? didYouMean(name, pluginNames(registry, kind)) : reason;
    throw Error(ErrorCode::Unsupported, place.prefix() + "no plugin for " + what + " \"" + name + "\"" + hint);
}

const plugin::LoadedPlugin& findTransport(const plugin::Registry& registry, const std::string& type,
                                          const Place& place) {
    const std::string lower = Poco::toLower(type);
    for (const plugin::LoadedPlugin& plugin : registry.plugins()) {
        const bool takes = std::find(plugin.schemes.begin(), plugin.schemes.end(), lower) != plugin.schemes.end();
        if (plugin.kind == PluginKind::Transport && (plugin.name == lower || takes)) return plugin;
    }
    throw Error(ErrorCode::Unsupported, place.prefix() + "unknown replica type in config: \"" + type +
                                            "\": " + whyMissing(registry, lower) +
                                            didYouMean(lower, pluginNames(registry, PluginKind::Transport)));
}

const plugin::Option* findOption(const plugin::LoadedPlugin& plugin, std::string_view name) {
    const auto found = std::find_if(plugin.options.begin(), plugin.options.end(),
                                    [&](const plugin::Option& option) { return option.name == name; });
    return found == plugin.options.end() ? nullptr : &*found;
}

void applyOption(OptionValues& values, const plugin::LoadedPlugin& plugin, const PluginOption& option,
                 std::span<const std::string> coreKeys, std::vector<std::string>& warnings) {
    if (const plugin::Option* declared = findOption(plugin, option.name)) {
        try {
            plugin::setOption(values, *declared, option.value.reveal());
        } catch (const Error& error) {
            fail(option.place, option.name + ": " + error.what());
        }
        return;
    }
    if (!option.unused.empty()) {
        warnings.push_back(option.place.prefix() + "key \"" + option.name + "\" has no effect: " + option.unused);
        return;
    }
    std::vector<std::string> known(coreKeys.begin(), coreKeys.end());
    for (const plugin::Option& declared : plugin.options) known.push_back(declared.name);
    // In a file with "key=value" lines a key may hold a value: nobody may see it.
    const std::string name = option.name.substr(0, option.name.find('='));
    const std::string text = "unknown key \"" + name + "\": neither a setting nor an option of plugin \"" +
                             plugin.name + "\"" + (option.lenient ? ", so it is ignored" : "") +
                             didYouMean(name, known);
    if (!option.lenient) fail(option.place, text);
    warnings.push_back(option.place.prefix() + text);
}

}  // namespace litestream::config
