#include "PagePass.h"

#include <algorithm>
#include <thread>

namespace litestream::journal {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// Longest time that the lock is kept while a writer may want it. Commits of rollback journals take longer than that for their own fsyncs.
constexpr Clock::duration kSlice = milliseconds(2);
/// Between two looks whether a writer has come. A read of this size takes some 40 us.
constexpr std::uint64_t kReadBytes = 128 * 1024;
/// What is read under the lock before it is handed over without.
constexpr std::uint64_t kStretchBytes = 4 * 1024 * 1024;

/// While it gives way it also sleeps between slices that are shorter: who is computing all the time is interrupted by the system at any
/// moment, and on a busy machine that may be a long one with the lock held.
constexpr Clock::duration kPoliteSlice = microseconds(500);
constexpr auto kPolitePause = microseconds(300);
constexpr auto kPoliteFor = milliseconds(500);
/// A long hold is worth it after this, and may take this share of the time.
constexpr auto kInsistAfter = milliseconds(1000);
constexpr int kInsistShare = 20;

constexpr auto kBusyPatience = milliseconds(5);
constexpr auto kBusyPause = microseconds(200);

}  // namespace

struct PagePass::Stretch {
    std::unique_ptr<std::byte[]> content;
    std::size_t count = 0;  ///< pages
};

PagePass::PagePass(DatabaseFile& file, std::uint32_t pageSize, PageSums& sums, Clock::duration hold)
    : file_(file), pageSize_(pageSize), sums_(sums), hold_(hold) {}

void PagePass::reset() {
    sums_.clear();
    begun_ = parts_ = false;
    differences_ = {};
    handedOver_ = 0;
    wantedSince_ = {};
    spent_ = {};
    expected_.reset();
}

PagePass::End PagePass::advance(Purpose purpose, PageSink& sink, Clock::time_point deadline) {
    buffer_ = std::make_unique_for_overwrite<std::byte[]>(kReadBytes);
    const auto begun = Clock::now();
    if (wantedSince_ == Clock::time_point{}) wantedSince_ = begun;
    End end;
    for (;;) {
        end = slice(purpose, sink);
        if (end == End::Complete || end == End::Hot) break;
        const auto now = Clock::now();
        if (parts_ && purpose == Purpose::Capture) {
            if (now - begun > hold_) {
                end = End::Torn;
                break;
            }
        } else if (now >= deadline || (end == End::Busy && now - begun >= kBusyPatience)) {
            break;
        }
        if (end == End::Busy) {
            std::this_thread::sleep_for(kBusyPause);
        } else if (polite(now) && !parts_) {
            std::this_thread::sleep_for(kPolitePause);
        }
    }
    buffer_.reset();
    return end;
}

bool PagePass::polite(Clock::time_point now) const noexcept { return now - wantedSince_ < kPoliteFor; }

bool PagePass::insistent(Clock::time_point now) const noexcept {
    const auto patience = std::max<Clock::duration>(kInsistAfter, kInsistShare * std::min(wholePass_, hold_));
    return now - std::max(wantedSince_, insistedAt_) >= patience;
}

PagePass::End PagePass::slice(Purpose purpose, PageSink& sink) {
    const auto begun = Clock::now();
    const bool insist = insistent(begun);
    const bool giveWay = polite(begun);
    if (giveWay && file_.writerIsActive()) return End::Busy;
    SharedLock lock = file_.tryLock();
    if (!lock) return End::Busy;
    if (file_.journalIsHot()) return End::Hot;
    const DatabaseHeader header = file_.header();
    file_.requireRollbackMode(header);
    if (header.pageSize != pageSize_) throw WrongState("the page size has changed");
    adopt(file_.stamp(header));

    const auto until = begun + (insist ? hold_ : giveWay ? kPoliteSlice : kSlice);
    if (!compared()) compare(purpose, until, giveWay && !insist);
    Stretch stretch;
    if (compared()) stretch = gather(until);
    const bool complete = compared() && handedOver_ + stretch.count == differences_.size();
    lock.release();

    const auto now = Clock::now();
    spent_ += now - begun;
    attempt_ += now - begun;
    if (insist) {
        ++longHolds_;
        if (!complete) ++vainHolds_;
        insistedAt_ = now;
    }
    handOver(stretch, sink);
    if (!complete) return End::Interrupted;
    sums_.trim(state_.pages);
    cost_ = std::exchange(spent_, {});
    wholePass_ = attempt_;
    begun_ = parts_ = false;
    differences_ = {};
    handedOver_ = 0;
    wantedSince_ = {};
    return End::Complete;
}

/// Goes on with the state that was begun, or begins with this one.
void PagePass::adopt(const FileStamp& stamp) {
    if (expected_ && *expected_ != stamp) throw WrongState("the database has changed before its pages were known");
    if (begun_ && stamp == state_) return;
    begun_ = true;
    attempt_ = {};
    state_ = stamp;
    next_ = 1;
    differences_.clear();
    handedOver_ = 0;
}

void PagePass::compare(Purpose purpose, Clock::time_point until, bool giveWay) {
    const auto pagesPerRead = static_cast<std::uint32_t>(kReadBytes / pageSize_);
    do {
        const std::uint32_t count = std::min(pagesPerRead, state_.pages - next_ + 1);
        const MutableBytes run(buffer_.get(), std::size_t{count} * pageSize_);
        file_.read(std::uint64_t{next_ - 1} * pageSize_, run);
        for (std::uint32_t i = 0; i < count; ++i, ++next_) {
            if (next_ == lockPage(pageSize_)) continue;
            const std::uint64_t sum = sums_.of(run.subspan(std::size_t{i} * pageSize_, pageSize_));
            if (purpose == Purpose::Learn) {
                sums_.set(next_, sum);
            } else if (!sums_.knows(next_, sum)) {
                differences_.push_back({next_, sum});
            }
        }
        if (giveWay && file_.writerIsActive()) return;
    } while (!compared() && Clock::now() < until);
}

/// Reads the next differing pages, neighbours together.
PagePass::Stretch PagePass::gather(Clock::time_point until) const {
    Stretch stretch;
    const std::size_t most = std::min<std::size_t>(differences_.size() - handedOver_, kStretchBytes / pageSize_);
    if (most == 0) return stretch;
    stretch.content = std::make_unique_for_overwrite<std::byte[]>(most * pageSize_);
    const auto pagesPerRead = kReadBytes / pageSize_;
    while (stretch.count < most) {
        const Difference* first = &differences_[handedOver_ + stretch.count];
        std::size_t run = 1;
        while (stretch.count + run < most && run < pagesPerRead && first[run].number == first->number + run) ++run;
        file_.read(std::uint64_t{first->number - 1} * pageSize_,
                   {stretch.content.get() + stretch.count * pageSize_, run * pageSize_});
        stretch.count += run;
        if (Clock::now() >= until) break;
    }
    return stretch;
}

void PagePass::handOver(const Stretch& stretch, PageSink& sink) {
    for (std::size_t i = 0; i < stretch.count; ++i) {
        const Difference& difference = differences_[handedOver_];
        parts_ = true;
        sink.page(difference.number, {stretch.content.get() + i * pageSize_, pageSize_});
        sums_.set(difference.number, difference.sum);
        ++handedOver_;
    }
}

}  // namespace litestream::journal
