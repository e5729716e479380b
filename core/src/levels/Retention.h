#pragma once

#include "levels/Inventory.h"
#include "levels/Settings.h"

#include <optional>
#include <vector>

namespace litestream::levels {

/// What may be deleted now, and when to ask again. Neither = nothing will become deletable before the inventory changes.
struct Deletions {
    std::vector<replica::FileId> files;
    /// What takes the place of these files and has not been read back yet: nothing is deleted before it has been.
    std::vector<replica::FileInfo> relies;
    std::optional<Clock::time_point> at;
};

/// Decides what is deleted. Pure: no clock, no requests. When in doubt a file stays.
///
/// The *anchor* is the newest snapshot that is older than retention and grace together, but never the newest one of all: with it every state of the retention
/// can be restored, and there are always two snapshots. Deleted are
/// - snapshots before the anchor, and files of other levels that end where it ends or before;
/// - level-0 files that lie inside a file of a higher level, or have a snapshot that ends with them, for as long as `levelZeroRetention` already.
/// The newest file of every level stays: upstream's daemon goes on from them. If without these files some snapshot would reach less far on the way to
/// the next one than with them, nothing is deleted at all.
Deletions deletable(const Inventory& inventory, const Settings& settings, Clock::time_point now);

}  // namespace litestream::levels
