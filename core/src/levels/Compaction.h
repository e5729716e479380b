#pragma once

#include "levels/Inventory.h"
#include "levels/Settings.h"

#include <optional>
#include <vector>

namespace litestream::levels {

/// A file to be made of others.
struct Job {
    replica::FileId output;
    std::vector<replica::FileInfo> inputs;  ///< in the order of merging; for a snapshot from the database none
    bool replaces = false;  ///< what has the output's name is damaged
    bool snapshot() const noexcept { return output.level == replica::kSnapshotLevel; }
    /// A snapshot that cannot be made of what the replica holds: the database itself is needed.
    bool fromDatabase() const noexcept { return inputs.empty(); }
};

/// What is to be merged now, or when to ask again; neither = nothing will be due before the inventory changes.
struct NextJob {
    std::optional<Job> job;
    std::optional<Clock::time_point> at;
};

/// Decides what is compacted next. Pure: no clock, no requests.
///
/// Level n takes over what level n-1 holds behind it, when the oldest of these files has waited for the level's interval: a run of files without a hole,
/// kMostInputs at most. A file as large as half a snapshot is not carried through the levels: it becomes a snapshot, and the levels go on behind it.
/// A snapshot is due when the newest one has the age of the interval and the levels have gone on since; it is made of the newest one and the levels.
NextJob nextJob(const Inventory& inventory, const Settings& settings, Clock::time_point now);

}  // namespace litestream::levels
