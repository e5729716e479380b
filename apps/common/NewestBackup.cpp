#include "common/NewestBackup.h"

#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>

namespace litestream::app {

Txid Backup::txid() const {
    Txid newest;
    for (const replica::FileInfo& file : files) newest = std::max(newest, file.id.range.max);
    return newest;
}

transport::RetryPolicy untilTime(std::chrono::seconds total) {
    transport::RetryPolicy policy;
    policy.attempts = std::numeric_limits<unsigned>::max();
    policy.total = total;
    return policy;
}

void refuseOlderFormat(replica::ReplicaStore& store, const CallContext& context) {
    constexpr std::string_view kOlder = "generations/";
    const auto found = store.transport().list(kOlder, {}, 1, context);
    if (found.empty() || !found.front().key.starts_with(kOlder)) return;
    throw Error(ErrorCode::Unsupported, "the replica holds nothing but a backup of version 0.3 (" + found.front().key +
                                            "). Restore it with a program that reads that format");
}

Backup newestBackup(std::span<const engine::ReplicaOptions> replicas, const std::function<Backup(const engine::ReplicaOptions&)>& plan) {
    std::optional<Backup> best;
    std::optional<Error> failure;
    for (const engine::ReplicaOptions& replica : replicas) {
        try {
            Backup backup = plan(replica);
            if (!best || best->txid() < backup.txid()) best = std::move(backup);
        } catch (const Error& error) {
            if (error.code() == ErrorCode::Cancelled) throw;
            if (replicas.size() > 1) log::warn("cannot use replica", {{"replica", replica.name}, {"error", error.what()}});
            // "Nothing there" is less of an answer than "cannot be read".
            if (!failure || failure->code() == ErrorCode::NotFound) failure = error;
        }
    }
    if (!best) throw *failure;
    return std::move(*best);
}

}  // namespace litestream::app
