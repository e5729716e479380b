#pragma once

#include "DatabaseFile.h"
#include "JournalPosition.h"
#include "PageCopy.h"
#include "PagePass.h"
#include "PageSums.h"
#include "Watch.h"
#include "Watcher.h"

#include <litestream/Plugin.h>
#include <litestream/Source.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace litestream::journal {

struct SourceSettings {
    std::chrono::nanoseconds holdLimit{};   ///< longest time that writers may be kept waiting
    int scanShare = 10;                     ///< percent of the time that may be spent on reading the database
    std::filesystem::path imageDirectory;   ///< empty = that of the database
};

/// Follows one SQLite database whose journal mode is DELETE, TRUNCATE or PERSIST (docs/journal-source.md).
///
/// While it follows, sums_ are those of the pages at position_, or continuity is lost and says why.
class JournalSource final : public Source {
public:
    JournalSource(Host& host, SourceContext context, SourceSettings settings, std::shared_ptr<Watcher> watcher);
    ~JournalSource() override;

    Attachment attach(const Position* last) override;
    Capture capture(std::uint64_t budgetBytes, PageSink& sink) override;
    /// There is no log that could be recycled.
    void release(const Position&) override {}
    std::unique_ptr<Image> image() override;
    void detach() override;
    SourceStatus status() const override;

private:
    // Attaching: JournalAttach.cpp.
    Attachment attachNow(const Position* last);
    void readState();
    std::string refuteProof(const Position* last) const;
    Attachment refused(const std::string& reason);

    // Following: JournalSource.cpp.
    std::string goneReason() const;
    void turn(PageSink& sink, Capture& result);
    void learn(Clock::time_point deadline);
    bool changed() const;
    void captured(Capture& result);
    void held(PagePass::End end, Capture* result);
    void reportLocked(Clock::time_point now);
    void reportVainHolds();
    void lose(std::string reason);
    void publish();

    // Images: JournalCopies.cpp.
    std::unique_ptr<Image> anchoredImage();
    std::unique_ptr<Image> trackedImage();
    bool copyStretch(Clock::time_point until);
    void dropForgottenCopy();
    void beginCopy();
    std::unique_ptr<Image> imageOfCopy();
    [[noreturn]] void imageLater(const std::string& reason);

    Host& host_;
    const SourceContext context_;
    const SourceSettings settings_;
    const std::shared_ptr<Watcher> watcher_;  // shared by all sources of the plugin; ends with the last
    const std::shared_ptr<Watch> watch_;      // shared with the watcher

    // While attached.
    std::unique_ptr<DatabaseFile> file_;
    PageSums sums_;
    std::optional<PagePass> pass_;  // uses file_ and sums_
    JournalPosition position_;
    bool learning_ = false;  ///< position_ is proved, but not all sums are known
    std::optional<std::string> lost_;

    std::shared_ptr<PageCopy> copy_;  ///< of images; shared with those that live, and not changed as long as there are any
    bool anchoring_ = false;          ///< copy_ becomes the captured state; else it follows it
    PageNumber copied_ = 0;           ///< the first pages of the captured state, which copy_ has
    Clock::time_point copyBegunAt_{};
    Clock::time_point copyAskedAt_{};

    std::string waiting_;  ///< why what was committed cannot be captured yet; empty = it can
    Clock::time_point waitingSince_{};
    bool lockReported_ = false;
    unsigned vainHoldsReported_ = 0;
    Clock::time_point notBefore_{};
    Clock::time_point callAt_{};

    std::string detachedReason_ = "not attached";
    std::string warnedFilesystem_;
    unsigned refusals_ = 0;
};

}  // namespace litestream::journal
