#pragma once

#include "engine/Engine.h"
#include "litestream/Command.h"
#include "plugin/Registry.h"
#include "replica/ReplicaStore.h"
#include "transport/RetryPolicy.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace litestream::cli {

/// What "DB_PATH or REPLICA_URL" on a command line means: replicas to read from.
struct ReplicaTarget {
    std::unique_ptr<plugin::Registry> registry;
    std::filesystem::path database;  ///< empty when a URL was given
    std::vector<engine::ReplicaOptions> replicas;

    replica::ReplicaStore open(const engine::ReplicaOptions& replica, const transport::RetryPolicy& retry = {}) const;
};

/// True for WORD://...
bool isReplicaUrl(const std::string& argument);

/// How a verb was told which replica it is to read.
struct ReplicaChoice {
    ConfigFlags config;
    std::string replicaName;  ///< -replica; empty = all
    LogFlags log;             ///< where a configuration is read
};

/// Finds the replicas of `argument`. With a path the configuration is read.
ReplicaTarget findReplicas(const std::string& argument, const ReplicaChoice& choice);

}  // namespace litestream::cli
