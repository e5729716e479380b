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

/// What we know of a file's content without asking the store.
struct Evidence {
    /// Its LTX file checksum, of a file that we wrote or read whole; nothing = not known.
    std::optional<std::uint64_t> fileChecksum;
    /// The LTX database checksum that a restore up to the file's last TXID has to have. It comes from the page sums, so from what was captured, and
    /// from no replica. Nothing = not known.
    std::optional<std::uint64_t> digest;
};

/// A file that a replica holds, and its age in steady time: a wall clock that is set makes no file older.
struct HeldFile {
    replica::FileInfo info;
    Clock::time_point content;  ///< when its newest transaction was made, or later
    Clock::time_point stored;   ///< when it came to the replica, or later
    bool verified = false;      ///< it was read back after it was written, or arrived under a checksum
    Evidence evidence{};
    std::optional<Timestamp> seen{};  ///< what a listing tells as its time; nothing = not known
};

/// A state that was read from the replica as a restore would read it, and had the digest that it has to have.
struct Proven {
    Txid txid;       ///< 0 = none yet
    Timestamp when;  ///< of the proof
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
    /// Listings tell this time of the file.
    void seen(const replica::FileId& id, Timestamp time);
    /// The digest of the database at a TXID has become known, or is no longer believed: kept with every file that ends there.
    /// False when there is none, or when each has it already.
    bool expect(Txid txid, std::optional<std::uint64_t> digest);
    /// No digest that is known is believed any more, nor what was proven by it.
    void forgetDigests();
    /// The file checksum of a file became known, because it was read whole.
    void know(const replica::FileId& id, std::uint64_t fileChecksum);
    void prove(const Proven& proven) { proven_ = proven; }
    const Proven& proven() const noexcept { return proven_; }

    /// Files by (min, max).
    const Level& level(std::uint32_t number) const { return levels_.at(number); }
    const HeldFile* find(const replica::FileId& id) const;
    /// Highest TXID of a level; 0 = it is empty.
    Txid reach(std::uint32_t number) const { return reach_.at(number); }
    /// Highest TXID of all levels; 0 = it is empty.
    Txid newest() const;
    std::size_t size() const;
    std::uint64_t bytes() const;
    std::vector<replica::FileInfo> all() const;

    /// The newest snapshot; null = none.
    const HeldFile* newestSnapshot() const;
    /// The snapshot 1..txid; null = none.
    const HeldFile* snapshotAt(Txid txid) const;

private:
    HeldFile* edit(const replica::FileId& id);

    std::array<Level, replica::kSnapshotLevel.value + 1> levels_;
    std::array<Txid, replica::kSnapshotLevel.value + 1> reach_;
    Proven proven_;
};

}  // namespace litestream::levels
