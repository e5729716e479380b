#pragma once

#include "replica/ReplicaStore.h"

#include <optional>

namespace litestream::replica {

/// What a replica holds, as far as going on with it needs to know. One listing for all levels and, where nothing is damaged, at most two small reads.
struct Survey {
    Txid newest;                ///< highest TXID at any level; 0 = empty
    Timestamp newestTimestamp;  ///< of the newest file: its own or the store's, whichever is later
    std::uint64_t nodeId = 0;   ///< of the newest file whose header is sound: the lineage of its writer, 0 = upstream
    std::optional<std::uint64_t> levelZeroChecksum;  ///< file checksum of the level-0 file that ends at `newest`, if there is one
    std::vector<FileInfo> files;                     ///< all levels, by level and TXID
};

/// `perRequest` limits each request, not their sum.
Survey survey(ReplicaStore& store, std::chrono::nanoseconds perRequest, const CancellationToken& cancellation);

}  // namespace litestream::replica
