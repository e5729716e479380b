#include "Guard.h"

namespace litestream::sqlite {
namespace {

/// SQLite looks for a free reader from the first one on, so we start at the other end.
constexpr int kLastReader = WalIndex::kReaders - 1;

bool sameEnd(const WalIndexHeader& header, const WalPosition& position) noexcept {
    return header.aSalt == position.salts && header.mxFrame == position.frame;
}

}  // namespace

Guard::Hold Guard::hold() const noexcept {
    if (reset_) return Hold::Reset;
    return backfill_ ? Hold::Backfill : Hold::None;
}

HeldLock Guard::unusedReader() noexcept {
    for (int reader = kLastReader; reader >= 1; --reader) {
        if (auto lock = connection_.tryReader(reader, WalIndex::kReadMarkNotUsed)) return lock;
    }
    return {};
}

bool Guard::takeReset() noexcept {
    reset_ = unusedReader();
    // Any shared lock on READ1 to READ4 prevents a reset. With every lock in use by long readers, joining one adds no limit
    // on backfill that is not there already; preferOwnReader() leaves it before it becomes one.
    for (int reader = kLastReader; reader >= 1 && !reset_; --reader) {
        reset_ = connection_.joinReader(reader, WalIndex::kReadMarkNotUsed);
    }
    return static_cast<bool>(reset_);
}

void Guard::preferOwnReader() noexcept {
    if (!reset_ || connection_.index().readMark(reset_.byte() - readLock(0)) == WalIndex::kReadMarkNotUsed) return;
    // The assignment gives the shared one back after the own one is held.
    if (auto own = unusedReader()) reset_ = std::move(own);
}

bool Guard::enterBackfill(const WalPosition& captured) noexcept {
    const WalIndex& index = connection_.index();
    const auto before = index.header();
    if (!reset_ || !before || !sameEnd(*before, captured) || index.nBackfill() != before->mxFrame) return false;

    // No checkpoint copies pages while READ0 is shared, and the holder of READ0 needs no WAL.
    HeldLock backfill = connection_.tryShared(readLock(0));
    if (!backfill) return false;

    // A commit or another recovery may have slipped in before READ0 was ours. If not, both locks are held in a state in which the
    // database file is complete; from now on a reset may happen, and after it nothing can be copied, hence no second reset.
    const auto after = index.header();
    if (!after || *after != *before || index.nBackfill() != after->mxFrame) return false;

    backfill_ = std::move(backfill);
    reset_.release();
    completeAt_ = captured;
    return true;
}

std::optional<WalIndexHeader> Guard::leaveBackfill() noexcept {
    if (!backfill_ || !takeReset()) return std::nullopt;
    // With both held the generation is final: what this header names cannot be reset until we let it.
    const auto header = connection_.index().header();
    if (!header) {
        reset_.release();
        return std::nullopt;
    }
    backfill_.release();
    completeAt_.reset();
    return header;
}

bool Guard::databaseIsComplete(const WalPosition& position) const noexcept {
    return backfill_ && completeAt_ == position;
}

bool Guard::blockedByReader(const WalIndexHeader& header) const noexcept {
    for (int reader = 0; reader < WalIndex::kReaders; ++reader) {
        if (reader > 0 && connection_.index().readMark(reader) >= header.mxFrame) continue;
        if (connection_.holds(readLock(reader))) continue;
        // Held for an instant, as every checkpoint does with it; a reader that meets it tries again.
        if (!connection_.tryExclusive(readLock(reader))) return true;
    }
    return false;
}

void Guard::drop() noexcept {
    reset_.release();
    backfill_.release();
    completeAt_.reset();
}

std::string Guard::describe() const {
    switch (hold()) {
        case Hold::Reset:
            return "HOLD-RESET on READ" + std::to_string(reset_.byte() - readLock(0));
        case Hold::Backfill:
            return "HOLD-BACKFILL on READ0";
        case Hold::None:
            break;
    }
    return "none";
}

namespace {

HeldLock readerAt(LockConnection& connection, std::uint32_t frame) noexcept {
    for (int reader = kLastReader; reader >= 1; --reader) {
        if (auto lock = connection.tryReader(reader, frame)) return lock;
    }
    // A lower mark limits backfill even more.
    for (int reader = kLastReader; reader >= 1; --reader) {
        if (auto lock = connection.joinReader(reader, frame)) return lock;
    }
    return {};
}

}  // namespace

HeldLock pinFrame(LockConnection& connection, const WalSalts& salts, std::uint32_t frame) noexcept {
    const WalIndex& index = connection.index();
    HeldLock pin = readerAt(connection, frame);
    if (!pin) return {};

    // A checkpoint that began before the pin does not know of it, but it cannot get further than the WAL's end was.
    const auto header = index.header();
    if (header && header->aSalt == salts && header->mxFrame == frame) return pin;

    // The WAL goes on behind the frame, so such a checkpoint may be copying newer frames at this moment although nBackfill
    // does not say so yet. It would hold the checkpoint lock; while we have that shared, what was attempted is final.
    const HeldLock quiet = connection.tryShared(kCheckpointLock);
    const auto now = index.header();
    if (!quiet || !now || now->aSalt != salts || now->mxFrame < frame) return {};
    if (index.nBackfillAttempted() > frame || index.nBackfill() > frame) return {};
    return pin;
}

}  // namespace litestream::sqlite
