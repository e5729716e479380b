#include "common/RestoreMissing.h"

#include "common/CancelOnSignal.h"
#include "common/NewestBackup.h"
#include "restore/Restore.h"
#include "transport/Compose.h"

#include <algorithm>

namespace litestream::app {
namespace {

void restoreOne(const Setup& setup, const engine::DatabaseOptions& database, const CancellationToken& stop) {
    const CallContext context{.cancellation = stop};
    const Backup backup = newestBackup(database.replicas, [&](const engine::ReplicaOptions& replica) {
        const auto open = [&](const transport::RetryPolicy& retry) {
            const transport::Stack stack{.retry = retry, .label = {{"db", database.path.string()}, {"replica", replica.name}}};
            return std::make_unique<replica::ReplicaStore>(transport::open(*setup.registry, replica.transport, replica.options, stack));
        };
        const auto store = open({});
        auto files = store->listAll(context);
        if (files.empty()) refuseOlderFormat(*store, context);
        return Backup{replica, open(untilTime(kNextAnswer)), restore::plan(std::move(files), {})};
    });
    restore::Options options;
    options.output = database.path;
    options.cancellation = stop;
    std::filesystem::create_directories(database.path.parent_path());
    const auto result = restore::restore(*backup.store, backup.files, setup.registry->codecs(), options);
    log::info("restore completed", {{"path", database.path.string()}, {"replica", backup.replica.name}, {"txid", ltx::format(result.txid)}});
}

void restoreIfMissing(const Setup& setup, const engine::DatabaseOptions& database, const CancellationToken& stop) {
    const std::string path = database.path.string();
    if (std::filesystem::exists(database.path)) {
        log::info("database exists, skipping restore", {{"path", path}});
        return;
    }
    log::info("attempting restore before replication", {{"path", path}});
    try {
        restoreOne(setup, database, stop);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Cancelled) throw;
        if (error.code() != ErrorCode::NotFound) throw Error(error.code(), std::string("restore failed: ") + error.what());
        log::info("no backup found, starting fresh", {{"path", path}});
    } catch (const std::filesystem::filesystem_error& error) {
        throw Error(ErrorCode::Denied, std::string("restore failed: ") + error.what());
    }
}

bool wanted(const Setup& setup, const engine::DatabaseOptions& database, bool all) {
    return std::any_of(setup.config.databases.begin(), setup.config.databases.end(), [&](const config::Database& entry) {
        return (all || entry.restoreIfNotExists) && entry.directory.path.empty() && entry.path == database.path;
    });
}

}  // namespace

bool restoreMissing(const Setup& setup, bool all, SignalWatch& signals) {
    const CancelOnSignal stop(signals);
    try {
        for (const engine::DatabaseOptions& database : setup.databases) {
            if (wanted(setup, database, all)) restoreIfMissing(setup, database, stop.token());
        }
    } catch (const Error&) {
        // A request that was cut off may look as if the other side had done it.
        if (!stop.token().cancelled()) throw;
    }
    return !stop.token().cancelled();
}

}  // namespace litestream::app
