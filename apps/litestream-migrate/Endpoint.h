#pragma once

#include "engine/Engine.h"
#include "litestream-migrate/Arguments.h"
#include "plugin/Registry.h"
#include "transport/Compose.h"

#include <memory>
#include <string>

namespace litestream::migrate_app {

/// Where FROM and TO lead.
struct Endpoints {
    std::unique_ptr<plugin::Registry> registry;
    engine::ReplicaOptions from;
    engine::ReplicaOptions to;
};

/// Finds both, and reads the configuration file if one is named or needed; sets up the log. A URL gets the options of the replica that has the same URL in
/// the file, else the file's global ones. Throws Error.
Endpoints findEndpoints(const Arguments& arguments);

/// The transport of one end, with everything that core puts around it.
std::unique_ptr<Transport> openEnd(const Endpoints& endpoints, const engine::ReplicaOptions& end);

}  // namespace litestream::migrate_app
