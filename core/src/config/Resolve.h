#pragma once

#include "config/Config.h"
#include "plugin/Registry.h"

#include <filesystem>
#include <set>
#include <vector>

namespace litestream::config {

/// The one validation, whatever filled the configuration: every database has a path and a replica, nothing is named
/// twice, every plugin exists and takes the options it is given. Directory entries become the databases that are in them now (`followed`: see expandDirectory). Returns
/// what the engine needs, and adds to `warnings` what is better told before the start. Throws
/// Error(InvalidArgument or Unsupported), naming the place.
std::vector<engine::DatabaseOptions> resolve(const Config& config, const plugin::Registry& registry,
                                             std::vector<std::string>& warnings, const std::set<std::filesystem::path>& followed = {});

/// The same for one replica alone. It has no name when none was written.
engine::ReplicaOptions resolve(const Replica& replica, const plugin::Registry& registry);

}  // namespace litestream::config
