#include "SqliteSource.h"

#include <litestream/Error.h>

#include <utility>

namespace litestream::sqlite {
namespace {

using std::chrono::milliseconds;

constexpr auto kPathCheckInterval = milliseconds(100);

}  // namespace

SqliteSource::SqliteSource(Host& host, SourceContext context, const SourceSettings& settings,
                           std::shared_ptr<Watcher> watcher)
    : host_(host),
      context_(std::move(context)),
      settings_(settings),
      watcher_(std::move(watcher)),
      watch_(std::make_shared<Watch>(context_.wake)) {}

SqliteSource::~SqliteSource() {
    detach();
    watch_->close();
}

void SqliteSource::detach() {
    watcher_->forget(*watch_);  // first: it reads the mapping that goes away
    watch_->publish({}, Guard::Hold::None, false, {});
    watch_->capturing();
    guard_.reset();
    checkpointer_.reset();
    plan_.reset();
    // The last connection to a database checkpoints it; the -wal stays, as our proof. An image keeps the connection open.
    connection_.reset();
    lost_.reset();
    overrunReported_ = false;
    nextPathCheck_ = {};
    detachedReason_ = "not attached";
}

Capture SqliteSource::capture(std::uint64_t budgetBytes, PageSink& sink) {
    // Before anything is read: a commit that this capture does not see is then reported.
    watch_->capturing();
    Capture result;
    std::string gone = goneReason();
    if (gone.empty() && !lost_) {
        try {
            turn(budgetBytes, sink, result);
            if (guard_->hold() == Guard::Hold::None) throw WalDamage("no guard is held");
        } catch (const WalDamage& damage) {
            lose(damage.what());
        } catch (const Error& error) {
            lose(error.what());
        }
        // That nothing is new is said of the file that is there now, for whoever asks before an end.
        if (!lost_ && result.outcome == Capture::Outcome::Unchanged) gone = connection_->replaced();
    }
    if (!gone.empty()) {
        if (connection_) refused(gone);
        result.outcome = Capture::Outcome::Detached;
        result.reason = gone;
        return result;
    }
    if (lost_) {
        result = {};
        result.outcome = Capture::Outcome::Lost;
        result.reason = *lost_;
    } else {
        result.position = position_.encode();
        result.commit = position_.commit;
    }
    publish();
    return result;
}

/// Empty while the database is the one that was attached.
std::string SqliteSource::goneReason() {
    if (!connection_) return detachedReason_;
    if (connection_->broken()) return "SQLite did not give a lock back";
    if (connection_->index().lost()) return "its -shm file was truncated by another program, or cannot be read";
    const auto now = SteadyClock::now();
    if (now < nextPathCheck_) return {};
    nextPathCheck_ = now + kPathCheckInterval;
    return connection_->replaced();
}

void SqliteSource::turn(std::uint64_t budgetBytes, PageSink& sink, Capture& result) {
    callAgainAt_ = {};
    // A reset since the last capture is legal only over an empty WAL, or while the database file had everything.
    const bool resetAllowed = position_.frame == 0 || guard_->databaseIsComplete(position_);
    const auto header = moveGuard();
    if (!header) {
        callAgainAt_ = SteadyClock::now();  // a writer is, or died, in the middle of publishing
        return;
    }
    followGeneration(*header, resetAllowed);
    enforceHardLimit(*header);
    if (header->mxFrame > position_.frame) pass(*header, budgetBytes, sink, result);
    if (result.outcome != Capture::Outcome::More) keepHouse(sink, result);
}

/// Takes the guard that the next step needs, if possible, and reads the header under it.
std::optional<WalIndexHeader> SqliteSource::moveGuard() {
    auto header = connection_->index().header();
    if (!header) return header;
    if (guard_->hold() == Guard::Hold::Reset) {
        guard_->preferOwnReader();
    } else if (header->aSalt != position_.salts || header->mxFrame != position_.frame) {
        // Without a free reader lock Hold::Backfill goes on: nothing is lost, but nobody can checkpoint. Try again soon.
        if (auto held = guard_->leaveBackfill()) return held;
        callAgainAt_ = SteadyClock::now();
    }
    return header;
}

void SqliteSource::followGeneration(const WalIndexHeader& header, bool resetAllowed) {
    if (header.aSalt != position_.salts) {
        if (!resetAllowed) throw WalDamage("the WAL was reset although " + guard_->describe() + " was held");
        position_.salts = header.aSalt;
        position_.frame = 0;
        position_.checksum = {};
    }
    if (header.mxFrame < position_.frame)
        throw WalDamage("mxFrame went back although " + guard_->describe() + " was held");
    if (header.mxFrame > 0 && header.szPage != position_.pageSize) throw WalDamage("the page size has changed");
    reportOverrun(header);
}

void SqliteSource::pass(const WalIndexHeader& header, std::uint64_t budgetBytes, PageSink& sink, Capture& result) {
    const CaptureRun run = captureFrames(connection_->wal(), header, position_, budgetBytes, sink);
    // Nothing that was read may belong to a generation that began meanwhile. A header that cannot be read is in a commit.
    const auto after = connection_->index().header();
    if (after && after->aSalt != header.aSalt) throw WalDamage("the WAL was reset while it was read");
    result.outcome = run.more ? Capture::Outcome::More : Capture::Outcome::Captured;
    position_ = run.position;
    if (released_) unreleasedSince_ = SteadyClock::now();
    released_ = false;
}

void SqliteSource::release(const Position& position) {
    const auto released = WalPosition::decode(position);
    if (!connection_ || lost_ || released != position_) return;
    released_ = true;
    if (!tryEnterBackfill()) meetCheckpoint();
    publish();
}

void SqliteSource::lose(std::string reason) {
    // What comes next is an image of a newer state: no part of the log is needed for it.
    guard_->drop();
    lost_ = std::move(reason);
}

void SqliteSource::publish() {
    const auto hold = lost_ ? Guard::Hold::None : guard_->hold();
    const auto planned = plan_->callAt();
    const bool again = callAgainAt_ != SteadyClock::time_point{};
    watch_->publish(position_, hold, released_, lost_ ? SteadyClock::time_point{} : again ? callAgainAt_ : planned);
}

std::unique_ptr<Image> SqliteSource::image() {
    if (!connection_)
        throw Error(ErrorCode::Transient, "image of " + context_.database.string() + ": " + detachedReason_);
    auto image = lost_ ? anchoredImage() : trackedImage();
    publish();
    return image;
}

std::unique_ptr<Image> SqliteSource::makeImage(HeldLock pin, std::uint32_t backfilled) {
    auto shared = std::make_shared<ImagePin>(connection_, std::move(pin));
    image_ = shared;
    return std::make_unique<SqliteImage>(std::move(shared), position_, backfilled);
}

std::unique_ptr<Image> SqliteSource::trackedImage() {
    // The source may leave Hold::Backfill while the image lives, so the image has a hold of its own.
    if (guard_->databaseIsComplete(position_)) return makeImage(connection_->tryShared(readLock(0)), position_.frame);
    HeldLock pin = pinFrame(*connection_, position_.salts, position_.frame);
    if (!pin) {
        throw Error(ErrorCode::Transient,
                    "image of " + context_.database.string() +
                        ": the captured state is not the latest any more, or every reader lock is taken");
    }
    return makeImage(std::move(pin), connection_->index().nBackfill());
}

/// Whatever was lost is in the state of now, and now it is guarded again.
std::unique_ptr<Image> SqliteSource::anchoredImage() {
    constexpr int kAttempts = 10;
    Guard guard(*connection_);
    for (int attempt = 0; attempt < kAttempts && guard.takeReset(); ++attempt) {
        const auto header = connection_->index().header();
        if (!header) continue;
        HeldLock pin = pinFrame(*connection_, header->aSalt, header->mxFrame);
        if (!pin) continue;
        readPageSize(*header);
        position_.salts = header->aSalt;
        position_.frame = header->mxFrame;
        position_.checksum = header->mxFrame > 0 ? header->aFrameCksum : WalChecksum{};
        position_.commit = databasePages(*header);
        position_.file = connection_->file();
        const std::uint32_t backfilled = connection_->index().nBackfill();
        if (connection_->index().lost()) break;
        guard_.emplace(std::move(guard));
        lost_.reset();
        released_ = false;
        unreleasedSince_ = SteadyClock::now();
        return makeImage(std::move(pin), backfilled);
    }
    throw Error(ErrorCode::Transient,
                "image of " + context_.database.string() + ": every reader lock of the WAL is taken");
}

SourceStatus SqliteSource::status() const {
    SourceStatus status;
    if (!connection_) {
        status.state = "detached: " + detachedReason_;
        return status;
    }
    status.state = lost_ ? "lost: " + *lost_ : "following";
    status.position = position_.describe();
    status.guard = guard_->describe();
    if (const auto header = connection_->index().header()) status.walBytes = walBytes(header->mxFrame);
    if (const auto pin = image_.lock(); pin && !pin->revoked()) status.guard += ", pinned by an image";
    status.checkpoints = checkpointer_->count();
    return status;
}

}  // namespace litestream::sqlite
