#pragma once

#include "CaptureRun.h"
#include "CheckpointPlan.h"
#include "Checkpointer.h"
#include "Guard.h"
#include "LockConnection.h"
#include "SqliteImage.h"
#include "Watch.h"
#include "Watcher.h"

#include <litestream/Plugin.h>
#include <litestream/Source.h>

#include <memory>
#include <optional>
#include <string>

namespace litestream::sqlite {

/// Follows one SQLite database in WAL mode.
///
/// While it follows, one of two things holds: a guard is held since the last captured position, so that everything behind it is
/// still in the WAL, or continuity is lost and says why.
class SqliteSource final : public Source {
public:
    SqliteSource(Host& host, SourceContext context, const SourceSettings& settings, std::shared_ptr<Watcher> watcher);
    ~SqliteSource() override;

    Attachment attach(const Position* last) override;
    Capture capture(std::uint64_t budgetBytes, PageSink& sink) override;
    void release(const Position& position) override;
    std::unique_ptr<Image> image() override;
    void detach() override;
    SourceStatus status() const override;

private:
    // Attaching: SqliteAttach.cpp.
    Attachment attachNow(const Position* last);
    WalIndexHeader guardedHeader();
    void readPageSize(const WalIndexHeader& header);
    std::string refuteProof(const WalPosition& last, const WalIndexHeader& header) const;
    Attachment refused(const std::string& reason);
    std::uint32_t databasePages(const WalIndexHeader& header) const;

    // Following: SqliteSource.cpp.
    void turn(std::uint64_t budgetBytes, PageSink& sink, Capture& result);
    std::optional<WalIndexHeader> moveGuard();
    void followGeneration(const WalIndexHeader& header, bool resetAllowed);
    void pass(const WalIndexHeader& header, std::uint64_t budgetBytes, PageSink& sink, Capture& result);
    std::string goneReason();
    void lose(std::string reason);
    void publish();
    std::unique_ptr<Image> trackedImage();
    std::unique_ptr<Image> anchoredImage();
    std::unique_ptr<Image> makeImage(HeldLock pin, std::uint32_t backfilled);

    // Keeping the log short: Housekeeping.cpp.
    void keepHouse(PageSink& sink, Capture& result);
    CheckpointPlan::Result passive(const WalIndexHeader& header);
    CheckpointPlan::Result barrier(PageSink& sink, Capture& result);
    bool finishUnderWriteLock(PageSink& sink, Capture& result);
    void captureTail(PageSink& sink, Capture& result);
    bool tryEnterBackfill();
    void meetCheckpoint();
    void enforceHardLimit(const WalIndexHeader& header);
    void logCanBeRecycled();
    void reportReader(const WalIndexHeader& header);
    void reportOverrun(const WalIndexHeader& header);

    std::uint64_t walBytes(std::uint32_t frames) const noexcept { return frames * frameBytes(position_.pageSize); }

    Host& host_;
    SourceContext context_;
    SourceSettings settings_;
    std::shared_ptr<Watcher> watcher_;  // shared by all sources of the plugin; ends with the last
    std::shared_ptr<Watch> watch_;      // shared with the watcher

    // While attached.
    std::shared_ptr<LockConnection> connection_;  // shared with images
    std::optional<Guard> guard_;
    std::optional<Checkpointer> checkpointer_;
    std::optional<CheckpointPlan> plan_;
    WalPosition position_;
    bool released_ = false;
    SteadyClock::time_point unreleasedSince_{};  // of the oldest pass that core has not released
    std::optional<std::string> lost_;
    std::weak_ptr<ImagePin> image_;
    std::uint64_t hardLimit_ = 0;
    std::uint64_t reportAbove_ = 0;  ///< bytes of log from which a reader that holds it is named
    std::uint32_t abandonedAttempt_ = 0;  // nBackfillAttempted of a checkpoint that does not end
    bool overrunReported_ = false;
    SteadyClock::time_point nextPathCheck_{};
    SteadyClock::time_point callAgainAt_{};

    std::string detachedReason_ = "not attached";
    std::string warnedFilesystem_;
    unsigned refusals_ = 0;
};

}  // namespace litestream::sqlite
