#pragma once

#include "LockConnection.h"
#include "WalPosition.h"

#include <cstdint>
#include <optional>
#include <string>

namespace litestream::sqlite {

/// Keeps the WAL from forgetting what was not captured, with one of SQLite's own reader locks (docs/lock-protocol.md):
///
/// - Hold::Reset: a shared lock on one of READ1 to READ4 whose mark says "unused". Checkpoints copy everything; nobody can
///   start the WAL again from its beginning.
/// - Hold::Backfill: a shared lock on READ0, taken when everything was captured and copied. One reset is possible; its frames
///   cannot be copied, so there cannot be a second one.
///
/// The two alternate, and the next one is always taken before the other is given back. Nothing here waits.
///
/// Threads: those of its source.
class Guard {
public:
    enum class Hold { None, Reset, Backfill };

    /// The connection must outlive the guard.
    explicit Guard(LockConnection& connection) : connection_(connection) {}

    Hold hold() const noexcept;

    /// From None to Reset. False when every reader lock is being taken by somebody else right now.
    bool takeReset() noexcept;

    /// From Reset to Backfill, if `captured` is the end of the WAL and all of it is in the database file.
    bool enterBackfill(const WalPosition& captured) noexcept;

    /// From Backfill to Reset. Returns the header as it was while both were held; nothing when that was not possible, then
    /// Backfill goes on, which also loses nothing.
    std::optional<WalIndexHeader> leaveBackfill() noexcept;

    /// When Reset is held on a lock that others use too, their mark limits backfill: moves to one of our own when there is one.
    void preferOwnReader() noexcept;

    /// True while the database file alone is the state at `position`, and stays so as long as READ0 is held.
    bool databaseIsComplete(const WalPosition& position) const noexcept;

    /// True when another reader keeps the frames of `header` from being checkpointed.
    bool blockedByReader(const WalIndexHeader& header) const noexcept;

    void drop() noexcept;

    std::string describe() const;

private:
    HeldLock unusedReader() noexcept;

    LockConnection& connection_;
    HeldLock reset_;
    HeldLock backfill_;
    std::optional<WalPosition> completeAt_;  // the position at which Backfill was entered
};

/// Fixes the state at the end of `frame`, which is captured and not ahead of the WAL, as a reader of SQLite would: nothing
/// newer is copied into the database file, and the WAL is not reset. The caller holds a guard, so that the
/// generation of `frame` cannot end meanwhile. Empty when a checkpoint has copied more already or is about to.
HeldLock pinFrame(LockConnection& connection, const WalSalts& salts, std::uint32_t frame) noexcept;

}  // namespace litestream::sqlite
