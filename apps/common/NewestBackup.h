#pragma once

#include "engine/Engine.h"
#include "replica/ReplicaStore.h"
#include "transport/RetryPolicy.h"

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace litestream::app {

/// A replica and what to fetch from it.
struct Backup {
    engine::ReplicaOptions replica;
    std::unique_ptr<replica::ReplicaStore> store;
    std::vector<replica::FileInfo> files;

    /// How far it reaches.
    Txid txid() const;
};

/// Nobody is behind a restore who would try again: attempts end by time alone.
transport::RetryPolicy untilTime(std::chrono::seconds total);
/// For requests to a place that has answered before: it is the right one, so what fails now is worth waiting for.
inline constexpr auto kNextAnswer = std::chrono::seconds(60);

/// For a replica without a file that we could restore. Throws Error(Unsupported) when it holds a backup of version 0.3: two formats are never mixed, and a
/// backup that is there must not pass for none.
void refuseOlderFormat(replica::ReplicaStore& store, const CallContext& context);

/// What `plan` makes of each replica: the one that reaches farthest. A replica that cannot be read is passed over, with a warning, while another one can.
/// Throws the failure of the one that failed, "not found" only where there is no other.
Backup newestBackup(std::span<const engine::ReplicaOptions> replicas, const std::function<Backup(const engine::ReplicaOptions&)>& plan);

}  // namespace litestream::app
