#include "litestream/ReplicaTarget.h"

#include "common/Setup.h"
#include "config/Resolve.h"
#include "transport/Compose.h"
#include "util/Paths.h"

#include <algorithm>
#include <cctype>

namespace litestream::cli {
namespace {

ReplicaTarget fromUrl(const std::string& url) {
    ReplicaTarget target;
    target.registry = plugin::Registry::load(plugin::Registry::searchPath({}));
    target.replicas.push_back(config::resolve(config::replicaFromUrl(url), *target.registry));
    target.replicas.back().name = target.replicas.back().transport;
    return target;
}

ReplicaTarget fromConfig(const std::string& argument, const ReplicaChoice& choice) {
    const std::filesystem::path path = expandPath(argument);
    app::Setup setup = app::prepare(loadConfig(choice.config, choice.log));
    const auto found = std::find_if(setup.databases.begin(), setup.databases.end(),
                                    [&](const engine::DatabaseOptions& database) { return database.path == path; });
    if (found == setup.databases.end()) throw CommandError("database not found in config: " + path.string());
    return {std::move(setup.registry), path, std::move(found->replicas)};
}

void pick(ReplicaTarget& target, const std::string& name, const std::string& argument) {
    if (name.empty()) return;
    std::erase_if(target.replicas, [&](const engine::ReplicaOptions& replica) { return replica.name != name; });
    if (target.replicas.empty())
        throw CommandError("replica \"" + name + "\" not found for database \"" + argument + "\"");
}

}  // namespace

replica::ReplicaStore ReplicaTarget::open(const engine::ReplicaOptions& replica, const transport::RetryPolicy& retry) const {
    return replica::ReplicaStore(
        transport::open(*registry, replica.transport, replica.options, {.retry = retry, .label = {{"replica", replica.name}}}));
}

bool isReplicaUrl(const std::string& argument) {
    const auto isWord = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
    const std::size_t colon = argument.find("://");
    return colon != std::string::npos && colon > 0 &&
           std::all_of(argument.begin(), argument.begin() + static_cast<std::ptrdiff_t>(colon), isWord);
}

ReplicaTarget findReplicas(const std::string& argument, const ReplicaChoice& choice) {
    const bool url = isReplicaUrl(argument);
    if (url && !choice.config.file.empty()) throw CommandError("cannot specify a replica URL and the -config flag");
    ReplicaTarget target = url ? fromUrl(argument) : fromConfig(argument, choice);
    pick(target, choice.replicaName, argument);
    return target;
}

}  // namespace litestream::cli
