#include "common/Setup.h"
#include "litestream/Command.h"
#include "util/Json.h"
#include "util/Table.h"

#include <iostream>

namespace litestream::cli {
namespace {

/// The types of a database's replicas; upstream knows one, we join several with commas.
std::string replicaTypes(const engine::DatabaseOptions& database) {
    std::string types;
    for (const engine::ReplicaOptions& replica : database.replicas)
        types += (types.empty() ? "" : ",") + replica.transport;
    return types;
}

}  // namespace

void databases(Arguments arguments) {
    ConfigFlags config;
    bool json = false;
    const auto flags = config.with({{"json", &json, "", "print JSON"}});
    requireNoMore(
        parseFlags({"Lists the databases of the configuration.", {"litestream databases [flags]"}}, flags, arguments),
        0);

    const app::Setup setup = app::prepare(loadConfig(config, {.toStderr = true}));
    Table table({"path", "replica"});
    Json list = Json::array();
    for (const engine::DatabaseOptions& database : setup.databases) {
        table.add({database.path.string(), replicaTypes(database)});
        list.add(Json::object({{"path", database.path.string()}, {"replica", replicaTypes(database)}}));
    }
    if (json) {
        std::cout << list.text();
    } else {
        table.print(std::cout);
    }
}

}  // namespace litestream::cli
