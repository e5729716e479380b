#pragma once

#include "engine/Engine.h"
#include "replica/ReplicaStore.h"

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

/// What `plan` makes of each replica: the one that reaches farthest. A replica that cannot be read is passed over, with a warning, while another one can.
/// Throws the failure of the one that failed, "not found" only where there is no other.
Backup newestBackup(std::span<const engine::ReplicaOptions> replicas, const std::function<Backup(const engine::ReplicaOptions&)>& plan);

}  // namespace litestream::app
