#pragma once

#include "migrate/Inventory.h"

#include <vector>

namespace litestream::migrate {

/// One object to be copied. It may become visible at the destination when all steps before the `after`-th one have ended; so reading and checking may
/// run ahead, and what others build on does not.
struct Step {
    Object object;
    std::size_t after = 0;
};

/// The highest TXID that a restore of the latest state would reach; 0 = it would be refused: nothing to begin with, or a hole.
Txid reach(const Inventory& inventory);

/// What is at the source and not at the destination, in the order that keeps the destination honest (docs/migrate.md, "What a reader sees"):
///
/// - The newest level-0 file first, so that no other level ever runs ahead of level 0: a daemon that starts there takes no TXID twice.
/// - Where nothing can be restored yet: newest first, and a file on which others build (it begins with TXID 1) behind all that build on it. Until then a restore
///   is refused; from then on it gives the latest state, never an older one.
/// - Where something can be restored already: first what continues it, one file after the other without a hole; then the past, as above.
/// - v0.3: segments, then snapshots in order of time, because stores that keep no times for them order them by their arrival.
/// - Of the two generations of formats the one that was written last comes last, for the same reason.
std::vector<Step> copyOrder(const Inventory& source, const Inventory& destination);

}  // namespace litestream::migrate
