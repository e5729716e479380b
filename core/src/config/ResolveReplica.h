#pragma once

#include "config/Config.h"
#include "plugin/Registry.h"

namespace litestream::config {

/// One replica against its plugin's table. An option that is written wins over one in the url, which wins over a default of `defaults`, which
/// wins over the plugin's. As resolve() otherwise.
engine::ReplicaOptions resolveReplica(const Replica& replica, const plugin::Registry& registry,
                                      std::span<const PluginOption> defaults, std::vector<std::string>& warnings);

/// How a replica is kept small: the global settings, as far as those of version 0.3 that it has itself do not say otherwise.
levels::Settings levelsOf(const Replica& replica, const levels::Settings& global);

}  // namespace litestream::config
