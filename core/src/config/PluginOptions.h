#pragma once

#include "config/Config.h"
#include "plugin/Registry.h"

namespace litestream::config {

/// Throws Error(Unsupported), naming the place: `what` "NAME", and the refused file or the near name that explains it.
const plugin::LoadedPlugin& findPlugin(const plugin::Registry& registry, PluginKind kind, const std::string& name,
                                       const std::string& what, const Place& place);

/// By its name or one of its URL schemes, in any case. Throws Error(Unsupported) `unknown replica type in config: "TYPE"` and where was
/// looked.
const plugin::LoadedPlugin& findTransport(const plugin::Registry& registry, const std::string& type,
                                          const Place& place);

/// Null when the plugin has no such option.
const plugin::Option* findOption(const plugin::LoadedPlugin& plugin, std::string_view name);

/// Sets one option. What the plugin does not take is added to `warnings`, or thrown as Error(InvalidArgument), as the option says;
/// `coreKeys` are other names that may have been meant.
void applyOption(OptionValues& values, const plugin::LoadedPlugin& plugin, const PluginOption& option,
                 std::span<const std::string> coreKeys, std::vector<std::string>& warnings);

}  // namespace litestream::config
