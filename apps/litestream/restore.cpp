#include "common/NewestBackup.h"
#include "common/Process.h"
#include "common/Setup.h"
#include "litestream/Command.h"
#include "litestream/ReplicaTarget.h"
#include "litestream/RestoreOutput.h"
#include "litestream/RestoreReport.h"
#include "restore/Times.h"
#include "util/Json.h"
#include "util/Paths.h"
#include "util/Time.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <iostream>
#include <optional>

namespace litestream::cli {
namespace {

const Usage kUsage{"Brings a database back from a replica: the latest state, or the one of a TXID or a time.",
                   {"litestream restore [flags] DB_PATH", "litestream restore [flags] -o PATH REPLICA_URL"}};

struct RestoreFlags {
    ConfigFlags config;
    std::string output;
    std::string replicaName;
    restore::Target target;
    std::int64_t parallelism = 8;
    restore::IntegrityCheck integrityCheck = restore::IntegrityCheck::None;
    std::string integrityWord = "none";
    bool ifDbNotExists = false;
    bool ifReplicaExists = false;
    bool dryRun = false;
    bool force = false;
    bool json = false;
};

std::optional<Txid> readTxid(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto txid = ltx::parseTxid(text);
    if (!txid) throw flags::FlagError("invalid txid format");
    return *txid ? txid : std::nullopt;
}

Timestamp readTimestamp(const std::string& text) {
    if (const auto time = parseRfc3339(text)) return *time;
    // Upstream has a no-break space in this text; scripts that compare it find the same bytes.
    throw CommandError("invalid -timestamp, must specify in ISO 8601\u00a0format (e.g. 2000-01-01T00:00:00Z)");
}

restore::IntegrityCheck readIntegrityCheck(const std::string& word) {
    if (word == "none") return restore::IntegrityCheck::None;
    if (word == "quick") return restore::IntegrityCheck::Quick;
    if (word == "full") return restore::IntegrityCheck::Full;
    throw CommandError("invalid -integrity-check value: " + word);
}

std::vector<std::string> readFlags(RestoreFlags& out, Arguments arguments) {
    std::string timestamp;
    const auto flags = out.config.with({
        {"o", &out.output, "PATH", "the file to write; default DB_PATH"},
        {"replica", &out.replicaName, "NAME", "the replica to read; default the one that reaches farthest"},
        {"txid", [&](const std::string& text) { out.target.txid = readTxid(text); }, "TXID",
         "restore up to this TXID, 16 hex digits"},
        {"timestamp", &timestamp, "TIME", "restore the state before this time, like 2026-01-02T03:04:05Z"},
        {"parallelism", &out.parallelism, "N", "how many reads at a time; default 8"},
        {"if-db-not-exists", &out.ifDbNotExists, "", "do nothing when the output exists"},
        {"if-replica-exists", &out.ifReplicaExists, "", "do nothing when there is no backup"},
        {"dry-run", &out.dryRun, "", "print what would be fetched"},
        {"force", &out.force, "", "replace an existing output"},
        {"json", &out.json, "", "print the result, or the plan, as JSON; logs go to stderr"},
        {"integrity-check", &out.integrityWord, "MODE",
         "check the result with SQLite: none, quick or full; default none"}});
    auto positionals = parseFlags(kUsage, flags, arguments);
    if (!timestamp.empty()) out.target.timestamp = readTimestamp(timestamp);
    out.integrityCheck = readIntegrityCheck(out.integrityWord);
    return positionals;
}

unsigned threads(const RestoreFlags& flags) {
    return static_cast<unsigned>(std::clamp<std::int64_t>(flags.parallelism, 1, 256));
}

std::filesystem::path outputPath(const RestoreFlags& flags, const std::string& argument) {
    if (!flags.output.empty()) return expandPath(flags.output);
    if (!isReplicaUrl(argument)) return expandPath(argument);
    throw CommandError("-o is required when restoring from a replica URL",
                       "litestream restore -o /path/to/db " + argument);
}

/// Nothing = retention has taken the file since it was listed.
std::optional<Timestamp> timeOf(replica::ReplicaStore& store, const replica::FileInfo& file) {
    try {
        return restore::exactTime(store, file, {});
    } catch (const Error& error) {
        if (error.code() != ErrorCode::NotFound) throw;
        return std::nullopt;
    }
}

/// With a URL a time outside of what the replica covers is refused: it is more likely a slip than a wish.
void checkTimestamp(replica::ReplicaStore& store, const std::vector<replica::FileInfo>& files, Timestamp wanted) {
    if (files.empty()) throw CommandError("no backups found");
    const bool listed = store.capabilities().listsTimestamp;
    const auto byTxid = [](const replica::FileInfo& a, const replica::FileInfo& b) {
        return a.id.range.max < b.id.range.max;
    };
    const auto [first, last] = std::minmax_element(files.begin(), files.end(), byTxid);
    const auto bounds = {first->id.range.max, last->id.range.max};
    bool older = false;
    bool younger = false;
    for (const replica::FileInfo& file : files) {
        // Where each time costs a request, the files at both ends have to do.
        if (!listed && std::find(bounds.begin(), bounds.end(), file.id.range.max) == bounds.end()) continue;
        const auto time = timeOf(store, file);
        if (!time) return;  // the replica changes while we look: the plan decides
        older = older || *time <= wanted;
        younger = younger || wanted <= *time;
        if (older && younger) return;
    }
    throw CommandError("timestamp does not exist");
}

constexpr auto kFirstAnswer = std::chrono::seconds(15);

app::Backup planFrom(const ReplicaTarget& target, const engine::ReplicaOptions& replica, const RestoreFlags& flags) {
    auto store = std::make_unique<replica::ReplicaStore>(target.open(replica, app::untilTime(kFirstAnswer)));
    auto files = store->listAll({});
    if (files.empty()) app::refuseOlderFormat(*store, {});
    // It is the right place, and it worked: what fails now is worth waiting for.
    store = std::make_unique<replica::ReplicaStore>(target.open(replica, app::untilTime(app::kNextAnswer)));
    const restore::Target& wanted = flags.target;
    if (target.database.empty() && wanted.timestamp) checkTimestamp(*store, files, *wanted.timestamp);
    auto plan = restore::planExactly(*store, std::move(files), wanted, threads(flags));
    return {replica, std::move(store), std::move(plan)};
}

app::Backup choose(const ReplicaTarget& target, const RestoreFlags& flags) {
    return app::newestBackup(target.replicas, [&](const engine::ReplicaOptions& replica) { return planFrom(target, replica, flags); });
}

restore::Result fetch(const ReplicaTarget& target, const app::Backup& choice, const RestoreFlags& flags,
                      const std::filesystem::path& path) {
    ProgressLine line;
    restore::Options options;
    options.output = path;
    options.parallelism = threads(flags);
    options.integrityCheck = flags.integrityCheck;
    options.progress = [&](const restore::Progress& progress) { line.show(progress); };
    return restore::restore(*choice.store, choice.files, target.registry->codecs(), options);
}

/// Retention goes on while we read. What it takes away is in other files by then: they make another plan.
restore::Result fetchAnew(const ReplicaTarget& target, app::Backup& choice, const RestoreFlags& flags, const std::filesystem::path& path) {
    constexpr unsigned kMostPlans = 5;
    for (unsigned plans = 1;; ++plans) {
        try {
            return fetch(target, choice, flags, path);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::NotFound || plans == kMostPlans) throw;
            log::warn("restore begins again, for a file of its plan is gone", {{"error", error.what()}});
        }
        choice = choose(target, flags);
    }
}

void run(const ReplicaTarget& target, const RestoreFlags& flags, const std::filesystem::path& path) {
    checkRestoreOutput(path, flags.force);
    app::Backup choice = choose(target, flags);
    removeOrphanedSidecars(path);
    const restore::Result result = fetchAnew(target, choice, flags, path);
    if (flags.integrityCheck != restore::IntegrityCheck::None) log::info("post-restore integrity check passed");
    if (!flags.json) return;
    std::cout << Json::object({{"db_path", path.string()},
                               {"replica", choice.replica.transport},
                               {"txid", ltx::format(result.txid)},
                               {"duration_ms", result.duration.count()},
                               {"integrity_check", flags.integrityWord}})
                     .text();
}

void showPlan(const ReplicaTarget& target, const RestoreFlags& flags, const std::string& source,
              const std::filesystem::path& path) {
    const app::Backup choice = choose(target, flags);
    const PlanReport report{source, path, choice.replica.transport, choice.files};
    if (flags.json) {
        printPlanJson(report);
    } else {
        printPlan(report);
    }
}

}  // namespace

void restore(Arguments arguments) {
    RestoreFlags flags;
    const auto positionals = readFlags(flags, arguments);
    if (positionals.empty()) {
        throw CommandError("database path or replica URL required",
                           "litestream restore -o /path/to/db s3://bucket/prefix");
    }
    requireNoMore(positionals, 1);
    const std::string& source = positionals[0];
    const std::filesystem::path path = outputPath(flags, source);
    if (flags.target.txid && flags.target.timestamp) throw CommandError("cannot specify index & timestamp to restore");

    app::prepareProcess();
    app::configureLog({.toStderr = flags.json});
    const ReplicaTarget target = findReplicas(source, {flags.config, flags.replicaName, {.toStderr = flags.json}});
    if (flags.ifDbNotExists && std::filesystem::exists(path)) {
        log::info("database already exists, skipping");
        return;
    }
    try {
        if (flags.dryRun) {
            showPlan(target, flags, source, path);
        } else {
            run(target, flags, path);
        }
    } catch (const Error& error) {
        if (error.code() != ErrorCode::NotFound || !flags.ifReplicaExists) throw;
        log::info("no matching backups found");
    }
}

}  // namespace litestream::cli
