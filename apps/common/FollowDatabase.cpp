#include "common/FollowDatabase.h"

#include "util/Log.h"

namespace litestream::app {
namespace {

void logReplica(const plugin::Registry& registry, const engine::DatabaseOptions& database,
                const engine::ReplicaOptions& replica) {
    const auto location = registry.openTransport(replica.transport, replica.options)->describe();
    std::vector<log::Attribute> attributes{{"type", replica.transport}};
    if (database.replicas.size() > 1) attributes.insert(attributes.begin(), {"name", replica.name});
    if (database.syncInterval) attributes.emplace_back("sync-interval", *database.syncInterval);
    for (const auto& [key, value] : location) attributes.emplace_back(key, value);
    log::write(log::Level::Info, "replicating to", attributes.data(), attributes.size());
}

}  // namespace

void followDatabase(engine::Engine& engine, const plugin::Registry& registry, const engine::DatabaseOptions& database) {
    engine.add(database);
    log::info("initialized db", {{"path", database.path.string()}});
    for (const engine::ReplicaOptions& replica : database.replicas) logReplica(registry, database, replica);
}

}  // namespace litestream::app
