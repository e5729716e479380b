#include "common/Setup.h"
#include "engine/LocalState.h"
#include "litestream/Command.h"
#include "util/Clock.h"
#include "util/Json.h"
#include "util/Table.h"
#include "util/Time.h"
#include "util/Units.h"

#include <algorithm>
#include <iostream>

namespace litestream::cli {
namespace {

const Usage kUsage{"Shows the local state of the databases and what is known of their replicas, without the network and without the daemon.",
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

std::filesystem::path metaDirectory(const engine::DatabaseOptions& database) {
    return database.metaPath.empty() ? engine::MetaPaths::beside(database.path).directory : database.metaPath;
}

Row describe(const engine::DatabaseOptions& database) {
    Row row{database.path.string(), "no database"};
    if (!std::filesystem::exists(database.path)) return row;
    row.walSize = walSize(database.path);
    try {
        const engine::LocalStatus local = engine::readLocalStatus(metaDirectory(database));
        row.status = local.exists ? "ok" : "not initialized";
        if (local.exists) row.txid = ltx::format(local.txid);
    } catch (const Error& error) {
        row.status = "error";
        log::warn("cannot read local state", {{"db", database.path.string()}, {"error", error.what()}});
    }
    return row;
}

/// Where the replica is tells which file to read; no request is made.
engine::LocalReplicaStatus describe(const engine::DatabaseOptions& database, const engine::ReplicaOptions& replica,
                                    const plugin::Registry& registry, Timestamp now) {
    try {
        const engine::MetaPaths meta{metaDirectory(database)};
        const auto store = registry.openTransport(replica.transport, replica.options);
        return engine::readLocalReplica(meta.directory, meta.inventory(replica.transport, *store), now);
    } catch (const Error& error) {
        log::warn("cannot read what is known of the replica",
                  {{"db", database.path.string()}, {"replica", replica.name}, {"error", error.what()}});
        return {};
    }
}

std::uint64_t bytesOf(const levels::Inventory::Level& level) {
    std::uint64_t sum = 0;
    for (const auto& [range, file] : level) sum += file.info.size;
    return sum;
}

std::int64_t lagSeconds(const engine::LocalReplicaStatus& replica, Timestamp now) {
    if (!replica.lacking) return 0;
    return std::max<std::int64_t>(0, now.milliseconds - replica.lacking->milliseconds) / 1000;
}

/// "0:12 1:3 9:2"
std::string filesByLevel(const levels::Inventory& held) {
    std::string text;
    for (std::uint32_t level = 0; level <= replica::kSnapshotLevel.value; ++level) {
        if (held.level(level).empty()) continue;
        text += (text.empty() ? "" : " ") + std::to_string(level) + ':' + std::to_string(held.level(level).size());
    }
    return text.empty() ? "-" : text;
}

std::string provenText(const levels::Proven& proven) {
    return proven.txid ? ltx::format(proven.txid) + ' ' + formatRfc3339(proven.when) : "-";
}

std::vector<std::string> cells(const Row& row, const std::string& name, const engine::LocalReplicaStatus& replica, Timestamp now) {
    std::vector<std::string> cells{row.database, row.status, row.txid, row.walSize, name};
    if (!replica.known) {
        cells.insert(cells.end(), {"-", "-", "-", "-", "-", "-"});
        return cells;
    }
    const std::string lag = replica.behind == 0 ? "-" : formatDuration(std::chrono::seconds(lagSeconds(replica, now)));
    cells.insert(cells.end(), {ltx::format(replica.txid), std::to_string(replica.behind), lag, filesByLevel(replica.held),
                               formatSize(replica.held.bytes()), provenText(replica.held.proven())});
    return cells;
}

Json json(const std::string& name, const engine::LocalReplicaStatus& replica, Timestamp now) {
    Json object = Json::object({{"name", name}, {"status", !replica.known ? "unknown" : replica.behind == 0 ? "ok" : "behind"}});
    if (!replica.known) return object;
    Json levels = Json::array();
    for (std::uint32_t number = 0; number <= replica::kSnapshotLevel.value; ++number) {
        const auto& level = replica.held.level(number);
        if (level.empty()) continue;
        levels.add(Json::object({{"level", number}, {"files", level.size()}, {"bytes", bytesOf(level)}, {"txid", ltx::format(replica.held.reach(number))}}));
    }
    object.add("txid", ltx::format(replica.txid)).add("behind", replica.behind).add("lag_seconds", lagSeconds(replica, now));
    object.add("files", replica.held.size()).add("bytes", replica.held.bytes()).add("levels", std::move(levels));
    object.add("snapshots", replica.held.level(replica::kSnapshotLevel.value).size());
    if (const auto& proven = replica.held.proven(); proven.txid) {
        object.add("proven_txid", ltx::format(proven.txid)).add("proven_at", formatRfc3339(proven.when));
    }
    return object;
}

}  // namespace

void status(Arguments arguments) {
    ConfigFlags config;
    bool asJson = false;
    const auto flags = config.with({{"json", &asJson, "", "print JSON"}});
    const auto positionals = parseFlags(kUsage, flags, arguments);

    const app::Setup setup = app::prepare(loadConfig(config, {.toStderr = true}));
    const Timestamp now = SystemWallClock().now();
    Table table({"database", "status", "local txid", "wal size", "replica", "replica txid", "behind", "lag", "files by level", "size", "proven"});
    Json list = Json::array();
    for (const engine::DatabaseOptions& database : setup.databases) {
        if (!positionals.empty() && database.path.string() != positionals[0]) continue;
        const Row row = describe(database);
        Json replicas = Json::array();
        for (const engine::ReplicaOptions& replica : database.replicas) {
            const auto known = describe(database, replica, *setup.registry, now);
            table.add(cells(row, replica.name, known, now));
            replicas.add(json(replica.name, known, now));
        }
        list.add(Json::object({{"database", row.database},
                               {"status", row.status},
                               {"local_txid", row.txid},
                               {"wal_size", row.walSize},
                               {"replicas", std::move(replicas)}}));
    }
    if (asJson) {
        std::cout << list.text();
    } else {
        table.print(std::cout);
    }
}

}  // namespace litestream::cli
