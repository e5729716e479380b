#include "litestream/Command.h"
#include "litestream/ReplicaTarget.h"
#include "util/Json.h"
#include "util/Table.h"
#include "util/Time.h"

#include <iostream>
#include <optional>

namespace litestream::cli {
namespace {

const Usage kUsage{"Lists the LTX files of a replica.",
                   {"litestream ltx [flags] DB_PATH", "litestream ltx [flags] REPLICA_URL"}};

/// Nothing = all levels.
std::optional<replica::Level> parseLevel(const std::string& text) {
    if (text == "all") return std::nullopt;
    std::int64_t level = 0;
    try {
        level = flags::parseGoInteger(text);
    } catch (const flags::FlagError&) {
        throw flags::FlagError("invalid level: must be 0-9 or \"all\"");
    }
    if (level < 0 || level > 9) throw flags::FlagError("level must be between 0 and 9");
    return replica::Level{static_cast<std::uint32_t>(level)};
}

void print(const std::vector<replica::FileInfo>& files) {
    Table table({"level", "min_txid", "max_txid", "size", "created"});
    for (const replica::FileInfo& file : files) {
        table.add({std::to_string(file.id.level.value), ltx::format(file.id.range.min), ltx::format(file.id.range.max),
                   std::to_string(file.size), formatRfc3339(file.timestamp)});
    }
    table.print(std::cout);
}

void printJson(const std::vector<replica::FileInfo>& files) {
    Json list = Json::array();
    for (const replica::FileInfo& file : files) {
        list.add(Json::object({{"level", file.id.level.value},
                               {"min_txid", ltx::format(file.id.range.min)},
                               {"max_txid", ltx::format(file.id.range.max)},
                               {"size", file.size},
                               {"timestamp", formatRfc3339(file.timestamp)}}));
    }
    std::cout << list.text();
}

}  // namespace

void ltx(Arguments arguments) {
    ConfigFlags config;
    std::string replicaName;
    std::optional<replica::Level> level = replica::kLevel0;
    bool json = false;
    const auto flags = config.with({
        {"level", [&](const std::string& text) { level = parseLevel(text); }, "N",
         "level 0 to 9, or \"all\"; default 0"},
        {"replica", &replicaName, "NAME", "the replica to list, if the database has several; default the first"},
        {"json", &json, "", "print JSON"}});
    const auto positionals = parseFlags(kUsage, flags, arguments);
    if (positionals.empty()) throw CommandError("database path or replica URL required", "litestream ltx /path/to/db");
    requireNoMore(positionals, 1);

    const ReplicaTarget target = findReplicas(positionals[0], {config, replicaName, {.toStderr = true}});
    replica::ReplicaStore store = target.open(target.replicas.front());
    const auto files = level ? store.list(*level, {}) : store.listAll({});
    if (json) {
        printJson(files);
    } else {
        print(files);
    }
}

}  // namespace litestream::cli
