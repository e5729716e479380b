#include "litestream-migrate/Endpoint.h"

#include "common/Setup.h"
#include "config/ResolveReplica.h"
#include "util/Paths.h"

#include <litestream/Error.h>

#include <algorithm>

namespace litestream::migrate_app {
namespace {

bool isUrl(const std::string& text) { return text.find("://") != std::string::npos; }

/// The replica that the file writes with this URL, else one of the URL alone.
config::Replica replicaOf(const std::string& url, const config::Config& config) {
    for (const config::Database& database : config.databases) {
        for (const config::Replica& replica : database.replicas) {
            if (replica.url == url) return replica;
        }
    }
    return config::replicaFromUrl(url);
}

const engine::DatabaseOptions* findDatabase(const std::vector<engine::DatabaseOptions>& databases, const std::string& path) {
    const auto wanted = expandPath(path);
    const auto found = std::find_if(databases.begin(), databases.end(), [&](const auto& database) { return database.path == wanted; });
    return found == databases.end() ? nullptr : &*found;
}

std::string namesOf(const engine::DatabaseOptions& database) {
    std::string names;
    for (const engine::ReplicaOptions& replica : database.replicas) names += (names.empty() ? "" : ", ") + replica.name;
    return names;
}

engine::ReplicaOptions fromDatabase(const std::string& argument, const std::vector<engine::DatabaseOptions>& databases) {
    std::string name;
    const engine::DatabaseOptions* database = findDatabase(databases, argument);
    if (const std::size_t hash = argument.rfind('#'); database == nullptr && hash != std::string::npos) {
        database = findDatabase(databases, argument.substr(0, hash));
        name = argument.substr(hash + 1);
    }
    if (database == nullptr) {
        throw Error(ErrorCode::NotFound, "\"" + argument + "\" is no URL, and no database of the configuration. Write a directory as file://PATH");
    }
    if (name.empty() && database->replicas.size() == 1) return database->replicas.front();
    for (const engine::ReplicaOptions& replica : database->replicas) {
        if (replica.name == name) return replica;
    }
    throw Error(ErrorCode::InvalidArgument, "\"" + argument + "\" names no replica. Write " + database->path.string() + "#NAME with one of: " +
                                                namesOf(*database));
}

}  // namespace

Endpoints findEndpoints(const Arguments& arguments) {
    config::Config config;
    const bool named = !isUrl(arguments.from) || !isUrl(arguments.to);
    const bool useFile = named || !arguments.configFile.empty();
    if (useFile) {
        const auto file = arguments.configFile.empty() ? config::defaultFile() : expandPath(arguments.configFile);
        config = config::readFile(file, {.expandEnv = !arguments.noExpandEnv});
    }
    // stdout is for the result.
    log::Settings logging = config.logging;
    logging.toStderr = true;
    app::configureLog(logging, arguments.logLevel);
    app::logWarnings(config.warnings);

    Endpoints endpoints;
    std::vector<engine::DatabaseOptions> databases;
    if (named) {
        app::Setup setup = app::prepare(config);
        endpoints.registry = std::move(setup.registry);
        databases = std::move(setup.databases);
    } else {
        endpoints.registry = plugin::Registry::load(plugin::Registry::searchPath(config.pluginPath));
    }
    std::vector<std::string> warnings;
    const auto find = [&](const std::string& argument) {
        if (!isUrl(argument)) return fromDatabase(argument, databases);
        return config::resolveReplica(replicaOf(argument, config), *endpoints.registry, config.replicaDefaults, warnings);
    };
    endpoints.from = find(arguments.from);
    endpoints.to = find(arguments.to);
    app::logWarnings(warnings);
    return endpoints;
}

std::unique_ptr<Transport> openEnd(const Endpoints& endpoints, const engine::ReplicaOptions& end) {
    const bool isSource = &end == &endpoints.from;
    return transport::open(*endpoints.registry, end.transport, end.options, {.label = {{"end", isSource ? "from" : "to"}}});
}

}  // namespace litestream::migrate_app
