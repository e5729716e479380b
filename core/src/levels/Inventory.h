#pragma once

#include "replica/ReplicaStore.h"

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace litestream::levels {

using Clock = std::chrono::steady_clock;

/// A file that a replica holds, and its age in steady time: a wall clock that is set makes no file older.
struct HeldFile {
    replica::FileInfo info;
    Clock::time_point content;  ///< when its newest transaction was made, or later
    Clock::time_point stored;   ///< when it came to the replica, or later
    bool verified = false;      ///< it was read back after it was written, or arrived under a checksum
};

/// What one replica holds: from one listing when the replica is attached, then from what was put and deleted by us. It replaces listings.
///
/// Not thread-safe; belongs to the database's strand.
class Inventory {
public:
    using Level = std::map<ltx::TxidRange, HeldFile>;

    Inventory() = default;
    /// Of a listing that was made just now. With `timestampsAreContent` its timestamps are those of the transactions and tell nothing about when a file
    /// was stored (TransportCapabilities::listsTimestamp): that is then now.
    Inventory(std::span<const replica::FileInfo> listing, bool timestampsAreContent, Timestamp wallNow, Clock::time_point now);

    /// A file with the same id is replaced.
    void add(const HeldFile& file);
    /// The file was deleted, or turned out to be damaged or gone: nothing is built on it any more, and it is not deleted (again).
    void remove(const replica::FileId& id);
    void verified(const replica::FileId& id);

    /// Files by (min, max).
    const Level& level(std::uint32_t number) const { return levels_.at(number); }
    const HeldFile* find(const replica::FileId& id) const;
    /// Highest TXID of a level; 0 = it is empty.
    Txid reach(std::uint32_t number) const { return reach_.at(number); }
    std::size_t size() const;
    std::vector<replica::FileInfo> all() const;

    /// The newest snapshot; null = none.
    const HeldFile* newestSnapshot() const;
    /// The snapshot 1..txid; null = none.
    const HeldFile* snapshotAt(Txid txid) const;

private:
    std::array<Level, replica::kSnapshotLevel.value + 1> levels_;
    std::array<Txid, replica::kSnapshotLevel.value + 1> reach_;
};

}  // namespace litestream::levels
