#pragma once

#include "replica/ReplicaStore.h"

#include <optional>
#include <vector>

namespace litestream::restore {

/// Which state is wanted. At most one of the two is set; none = the latest.
struct Target {
    std::optional<Txid> txid;           ///< inclusive
    std::optional<Timestamp> timestamp; ///< a state strictly older than this
};

/// The files that make up the state, in the order of merging. Throws Error(NotFound) "no matching backup files available" when there is none,
/// Error(Corrupt) naming the hole when a latest state has one.
///
/// The rules are upstream's (docs/formats/ltx.md, "Restore plan"): the newest eligible snapshot, then repeatedly the file that starts at or before
/// the next TXID and reaches farthest; ties: lower min, higher level, older.
std::vector<replica::FileInfo> plan(std::vector<replica::FileInfo> files, const Target& target);

}  // namespace litestream::restore
