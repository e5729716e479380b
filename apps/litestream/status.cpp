#include "common/Setup.h"
#include "engine/LocalState.h"
#include "litestream/Command.h"
#include "util/Json.h"
#include "util/Table.h"
#include "util/Units.h"

#include <iostream>

namespace litestream::cli {
namespace {

const Usage kUsage{"Shows the local state of the databases, without the network and without the daemon.",
                   {"litestream status [flags] [DB_PATH]"}};

struct Row {
    std::string database;
    std::string status;
    std::string txid = "-";
    std::string walSize = "-";
};

std::string walSize(const std::filesystem::path& database) {
    std::error_code failure;
    const auto size = std::filesystem::file_size(database.string() + "-wal", failure);
    return formatSize(failure ? 0 : size);
}

Row describe(const engine::DatabaseOptions& database) {
    Row row{database.path.string(), "no database"};
    if (!std::filesystem::exists(database.path)) return row;
    row.walSize = walSize(database.path);
    try {
        const auto meta =
            database.metaPath.empty() ? engine::MetaPaths::beside(database.path).directory : database.metaPath;
        const engine::LocalStatus local = engine::readLocalStatus(meta);
        row.status = local.exists ? "ok" : "not initialized";
        if (local.exists) row.txid = ltx::format(local.txid);
    } catch (const Error& error) {
        row.status = "error";
        log::warn("cannot read local state", {{"db", database.path.string()}, {"error", error.what()}});
    }
    return row;
}

}  // namespace

void status(Arguments arguments) {
    ConfigFlags config;
    bool json = false;
    const auto flags = config.with({{"json", &json, "", "print JSON"}});
    const auto positionals = parseFlags(kUsage, flags, arguments);

    const app::Setup setup = app::prepare(loadConfig(config, {.toStderr = true}));
    Table table({"database", "status", "local txid", "wal size"});
    Json list = Json::array();
    for (const engine::DatabaseOptions& database : setup.databases) {
        if (!positionals.empty() && database.path.string() != positionals[0]) continue;
        const Row row = describe(database);
        table.add({row.database, row.status, row.txid, row.walSize});
        list.add(Json::object(
            {{"database", row.database}, {"status", row.status}, {"local_txid", row.txid}, {"wal_size", row.walSize}}));
    }
    if (json) {
        std::cout << list.text();
    } else {
        table.print(std::cout);
    }
}

}  // namespace litestream::cli
