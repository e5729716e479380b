#include "JournalImage.h"
#include "JournalSource.h"

#include <litestream/Error.h>

#include <algorithm>

/// A database in rollback mode has no snapshots: an image is a copy, made in slices like everything else here. The captures of
/// commits that come meanwhile bring it up to date, so it is whole when its end is reached, however busy the writers are.
namespace litestream::journal {
namespace {

using std::chrono::milliseconds;

constexpr auto kCallTime = milliseconds(20);
constexpr auto kSlice = milliseconds(2);
constexpr auto kPoliteFor = milliseconds(500);
constexpr std::uint64_t kReadBytes = 128 * 1024;
constexpr std::uint64_t kStretchBytes = 4 * 1024 * 1024;
/// Nobody has asked again: it is not wanted any more.
constexpr auto kForgottenAfter = std::chrono::seconds(10);

}  // namespace

std::unique_ptr<Image> JournalSource::image() {
    if (!file_) imageLater(detachedReason_);
    try {
        auto image = lost_ ? anchoredImage() : trackedImage();
        callAt_ = copyAskedAt_ + kForgottenAfter;
        publish();
        return image;
    } catch (const Refusal& refusal) {
        copy_.reset();
        imageLater(refusal.what());
    } catch (const WrongState& wrong) {
        copy_.reset();
        imageLater(wrong.what());
    } catch (const Error& error) {
        if (error.code() != ErrorCode::Transient) copy_.reset();
        throw;
    }
}

void JournalSource::imageLater(const std::string& reason) {
    throw Error(ErrorCode::Transient, "image of " + context_.database.string() + ": " + reason);
}

void JournalSource::beginCopy() {
    const auto& directory = settings_.imageDirectory;
    copy_ = std::make_shared<PageCopy>(directory.empty() ? context_.database.parent_path() : directory,
                                       position_.pageSize);
    copied_ = 0;
    copyBegunAt_ = Clock::now();
}

/// The state of now becomes the captured one. All that was lost is in it.
std::unique_ptr<Image> JournalSource::anchoredImage() {
    copyAskedAt_ = Clock::now();
    if (!copy_ || !anchoring_) {
        position_.pageSize = file_->header().pageSize;
        pass_.emplace(*file_, position_.pageSize, sums_, settings_.holdLimit);
        pass_->reset();
        beginCopy();
        anchoring_ = true;
    }
    const PagePass::End end = pass_->advance(PagePass::Purpose::Copy, *copy_, copyAskedAt_ + kCallTime);
    reportVainHolds();
    if (end != PagePass::End::Complete) {
        if (end == PagePass::End::Interrupted) {
            callAt_ = Clock::now();
        } else {
            held(end, nullptr);
        }
        publish();
        imageLater(waiting_.empty() ? "it is being copied" : waiting_);
    }
    position_.stamp = pass_->state();
    waiting_.clear();
    lost_.reset();
    anchoring_ = false;
    copied_ = position_.stamp.pages;
    return imageOfCopy();
}

std::unique_ptr<Image> JournalSource::trackedImage() {
    copyAskedAt_ = Clock::now();
    const auto deadline = copyAskedAt_ + kCallTime;
    if (learning_) learn(deadline);
    // A copy that an image has is that image's state, which this one is only if nothing was captured since.
    if (!copy_) beginCopy();
    while (!learning_ && copied_ < position_.stamp.pages && Clock::now() < deadline) {
        if (!copyStretch(Clock::now() + kSlice)) break;
    }
    if (learning_ || copied_ < position_.stamp.pages) {
        callAt_ = Clock::now() + milliseconds(1);
        publish();
        imageLater("it is being copied");
    }
    return imageOfCopy();
}

/// The copy stays: whoever asks for an image often asks for a second one.
std::unique_ptr<Image> JournalSource::imageOfCopy() {
    if (copy_.use_count() == 1) copy_->resize(position_.stamp.pages);
    return std::make_unique<JournalImage>(copy_, position_);
}

/// Copies the next pages of the captured state, if it is still the state of the file.
bool JournalSource::copyStretch(Clock::time_point until) {
    const bool giveWay = Clock::now() - copyBegunAt_ < kPoliteFor;
    if (giveWay && file_->writerIsActive()) return false;
    SharedLock lock = file_->tryLock();
    if (!lock || file_->journalIsHot()) return false;
    if (file_->stamp(file_->header()) != position_.stamp) return false;
    const std::uint32_t pageSize = position_.pageSize;
    const auto most = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(kStretchBytes / pageSize, position_.stamp.pages - copied_));
    const auto content = std::make_unique_for_overwrite<std::byte[]>(std::size_t{most} * pageSize);
    std::uint32_t count = 0;
    while (count < most) {
        const auto run = std::min(static_cast<std::uint32_t>(kReadBytes / pageSize), most - count);
        file_->read(std::uint64_t{copied_ + count} * pageSize,
                    {content.get() + std::size_t{count} * pageSize, std::size_t{run} * pageSize});
        count += run;
        if (Clock::now() >= until || (giveWay && file_->writerIsActive())) break;
    }
    lock.release();
    // Without the lock: a disk may be slow to take it. Nobody reads the lock page, so it stays a hole.
    const PageNumber first = copied_ + 1;
    const PageNumber hole = lockPage(pageSize);
    const ConstBytes all(content.get(), std::size_t{count} * pageSize);
    if (hole >= first && hole < first + count) {
        const std::size_t before = std::size_t{hole - first} * pageSize;
        copy_->write(first, all.first(before));
        copy_->write(hole + 1, all.subspan(before + pageSize));
    } else {
        copy_->write(first, all);
    }
    copied_ += count;
    return true;
}

void JournalSource::dropForgottenCopy() {
    if (!copy_ || anchoring_) return;
    const auto forgottenAt = copyAskedAt_ + kForgottenAfter;
    if (Clock::now() >= forgottenAt) {
        copy_.reset();
    } else {
        callAt_ = forgottenAt;
    }
}

}  // namespace litestream::journal
