#include "JournalSource.h"

#include "../sqlite/LockHolders.h"

#include <litestream/Error.h>

#include <algorithm>
#include <utility>

namespace litestream::journal {
namespace {

using std::chrono::milliseconds;

/// One call reads for so long; a larger database takes several.
constexpr auto kCallTime = milliseconds(10);
/// A commit that somebody holds up is waited for like this, call by call, before the source says that nothing can be had now.
constexpr auto kBusyCalls = milliseconds(250);
constexpr auto kBusyRetry = milliseconds(50);
constexpr auto kHotRetry = milliseconds(1000);
constexpr auto kReportLockedAfter = std::chrono::seconds(10);

/// Of the bytes that SQLite locks, the first of those that SHARED and EXCLUSIVE are about.
/// Source: https://sqlite.org/src/file/src/os.h, SHARED_FIRST.
constexpr std::int64_t kSharedFirst = 0x40000002;

/// Hands pages on, and brings an image that is being made up to them.
class Tee final : public PageSink {
public:
    Tee(PageSink& sink, std::shared_ptr<PageCopy>& copy, PageNumber copied)
        : sink_(sink), copy_(copy), copied_(copied) {}

    void page(PageNumber number, ConstBytes content) override {
        sink_.page(number, content);
        if (!copy_ || number > copied_) return;
        if (copy_.use_count() > 1) {
            copy_.reset();  // it is an image's alone from now on
            return;
        }
        try {
            copy_->page(number, content);
        } catch (const Error&) {
            copy_.reset();  // a disk that is full for an image is no reason to lose the commit; the next copy meets it, too
        }
    }

private:
    PageSink& sink_;
    std::shared_ptr<PageCopy>& copy_;
    const PageNumber copied_;
};

class NoSink final : public PageSink {
public:
    void page(PageNumber, ConstBytes) override {}
};

}  // namespace

JournalSource::JournalSource(Host& host, SourceContext context, SourceSettings settings,
                             std::shared_ptr<Watcher> watcher)
    : host_(host),
      context_(std::move(context)),
      settings_(std::move(settings)),
      watcher_(std::move(watcher)),
      watch_(std::make_shared<Watch>(context_.wake)) {}

JournalSource::~JournalSource() {
    detach();
    watch_->close();
}

void JournalSource::detach() {
    watcher_->forget(*watch_);  // first: it reads the file that is closed
    watch_->publish({});
    watch_->capturing();
    pass_.reset();
    sums_.clear();
    copy_.reset();
    file_.reset();
    position_ = {};
    lost_.reset();
    learning_ = anchoring_ = lockReported_ = false;
    copied_ = 0;
    vainHoldsReported_ = 0;
    waiting_.clear();
    waitingSince_ = notBefore_ = callAt_ = {};
    detachedReason_ = "not attached";
}

Capture JournalSource::capture(std::uint64_t, PageSink& sink) {
    // Before anything is read: a commit that this capture does not see is then reported.
    watch_->capturing();
    callAt_ = {};
    Capture result;
    std::string gone = goneReason();
    if (gone.empty()) {
        try {
            if (lost_) {
                file_->requireRollbackMode(file_->header());
            } else {
                turn(sink, result);
            }
        } catch (const Refusal& refusal) {
            gone = refusal.what();
        } catch (const WrongState& wrong) {
            lose(wrong.what());
        } catch (const Error& error) {
            if (!lost_) lose(error.what());
        }
    }
    if (!gone.empty()) {
        if (file_) refused(gone);
        result = {};
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
        result.commit = position_.stamp.pages;
    }
    publish();
    return result;
}

/// Empty while the database is the one that was attached.
std::string JournalSource::goneReason() const { return file_ ? file_->replaced() : detachedReason_; }

void JournalSource::turn(PageSink& sink, Capture& result) {
    dropForgottenCopy();
    const auto deadline = Clock::now() + kCallTime;
    if (learning_) learn(deadline);
    if (learning_ || !changed()) return;
    Tee tee(sink, copy_, copied_);
    const PagePass::End end = pass_->advance(PagePass::Purpose::Capture, tee, deadline);
    reportVainHolds();
    switch (end) {
        case PagePass::End::Complete:
            captured(result);
            break;
        case PagePass::End::Interrupted:
            result.outcome = Capture::Outcome::More;
            break;
        case PagePass::End::Torn:
            throw Error(ErrorCode::Transient, "commits came faster than the pages of one could be read");
        case PagePass::End::Busy:
        case PagePass::End::Hot:
            held(end, &result);
            break;
    }
}

/// After a restart: the state is proved, the sums of its pages are not kept anywhere.
void JournalSource::learn(Clock::time_point deadline) {
    NoSink none;
    const PagePass::End end = pass_->advance(PagePass::Purpose::Learn, none, deadline);
    if (end == PagePass::End::Complete) {
        learning_ = false;
        pass_->expect(std::nullopt);
        waiting_.clear();
    } else if (end == PagePass::End::Interrupted) {
        callAt_ = Clock::now();
    } else {
        held(end, nullptr);
    }
}

/// A look without a lock: whatever differs may not be committed yet, what is equal has not changed.
bool JournalSource::changed() const {
    const DatabaseHeader header = file_->header();
    file_->requireRollbackMode(header);
    return file_->stamp(header) != position_.stamp;
}

void JournalSource::captured(Capture& result) {
    result.outcome = Capture::Outcome::Captured;
    position_.stamp = pass_->state();
    copied_ = std::min(copied_, position_.stamp.pages);
    waiting_.clear();
    lockReported_ = false;
    notBefore_ = Clock::now() + pass_->cost() * (100 - settings_.scanShare) / settings_.scanShare;
}

void JournalSource::held(PagePass::End end, Capture* result) {
    const auto now = Clock::now();
    if (waiting_.empty()) waitingSince_ = now;
    if (end == PagePass::End::Hot) {
        if (waiting_.find("rolled back") == std::string::npos) {
            waiting_ = "a transaction of a process that has ended waits to be rolled back";
            host_.log(LogLevel::Warning,
                      context_.database.string() + ": " + waiting_ +
                          ". The application does that when it uses the database next; until then nothing is captured");
        }
        callAt_ = now + kHotRetry;
        return;
    }
    waiting_ = "another process writes";
    if (result != nullptr && now - waitingSince_ < kBusyCalls) {
        result->outcome = Capture::Outcome::More;
        return;
    }
    callAt_ = now + kBusyRetry;
    reportLocked(now);
}

void JournalSource::reportLocked(Clock::time_point now) {
    if (lockReported_ || now - waitingSince_ < kReportLockedAfter) return;
    lockReported_ = true;
    std::string text = context_.database.string() + " has been locked for " +
                       std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now - waitingSince_).count()) +
                       " s, so nothing can be captured. It is locked by ";
    const auto holders = sqlite::foreignHolders(file_->identity().inode, kSharedFirst);
    for (std::size_t i = 0; i < holders.size(); ++i) text += (i == 0 ? "" : ", ") + sqlite::describe(holders[i]);
    if (holders.empty()) text += "a process that cannot be named";
    host_.log(LogLevel::Warning, text + ". If it uses locking_mode=EXCLUSIVE, switch that off");
}

void JournalSource::reportVainHolds() {
    if (pass_->vainHolds() == 0 || vainHoldsReported_ != 0) return;
    vainHoldsReported_ = pass_->vainHolds();
    host_.log(LogLevel::Warning,
              context_.database.string() +
                  " is written to without a pause that would be long enough to read it, and hold-limit is too short for it. "
                  "Raise it, or let the application use journal_mode=WAL");
}

void JournalSource::lose(std::string reason) {
    pass_->reset();
    copy_.reset();
    learning_ = anchoring_ = false;
    waiting_.clear();
    lost_ = std::move(reason);
}

void JournalSource::publish() {
    watch_->publish({file_ != nullptr && !lost_, position_.stamp.changeCounter, notBefore_, callAt_});
    if (callAt_ != Clock::time_point{}) watcher_->reconsider(*watch_);
}

SourceStatus JournalSource::status() const {
    SourceStatus status;
    if (!file_) {
        status.state = "detached: " + detachedReason_;
        return status;
    }
    status.state = lost_ ? "lost: " + *lost_ : waiting_.empty() ? "following" : "following, but held up: " + waiting_;
    status.position = position_.describe();
    status.guard = "none: a database in rollback mode has no log; writers were held off " +
                   std::to_string(pass_->longHolds()) + " times";
    return status;
}

}  // namespace litestream::journal
