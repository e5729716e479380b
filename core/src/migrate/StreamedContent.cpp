#include "migrate/StreamedContent.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace litestream::migrate {
namespace {

/// Read ahead of whoever sends. Memory for them and two more is in memoryFor().
constexpr std::size_t kAhead = 2;

}  // namespace

StreamedContent::StreamedContent(const Object& object, PieceReader reader, const ltx::CodecSet& codecs)
    : object_(object), reader_(std::move(reader)), codecs_(codecs) {
    start();
}

StreamedContent::~StreamedContent() { stop(); }

void StreamedContent::start() {
    offset_ = 0;
    used_ = 0;
    current_.clear();
    thread_ = std::thread([this] { produce(); });
}

void StreamedContent::stop() noexcept {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

void StreamedContent::rewind() {
    stop();
    {
        const std::lock_guard lock(mutex_);
        ready_.clear();
        failure_.reset();
        begun_ = ended_ = stopping_ = false;
    }
    start();
}

void StreamedContent::produce() {
    std::optional<Error> failure;
    try {
        const auto check = beginCheck(object_.id, [this](MutableBytes into) { return feed(into); }, codecs_);
        {
            const std::lock_guard lock(mutex_);
            timestamp_ = check->timestamp();
            begun_ = true;
            changed_.notify_all();
        }
        check->finish();
        if (offset_ != object_.size || used_ != current_.size()) {
            throw Error(ErrorCode::Corrupt, "the object is longer than its content");
        }
    } catch (const Error& error) {
        failure = error;
    } catch (const std::exception& error) {
        failure = Error(ErrorCode::Transient, error.what());
    }
    const std::lock_guard lock(mutex_);
    if (!failure && !current_.empty()) ready_.push_back(std::move(current_));
    failure_ = std::move(failure);
    begun_ = ended_ = true;
    changed_.notify_all();
}

/// The check's source. A piece is handed over when the next one is wanted, so the last one waits for the end of the check.
std::size_t StreamedContent::feed(MutableBytes into) {
    if (used_ == current_.size()) {
        if (offset_ == object_.size) return 0;
        fetch();
    }
    const std::size_t count = std::min(into.size(), current_.size() - used_);
    std::memcpy(into.data(), current_.data() + used_, count);
    used_ += count;
    return count;
}

void StreamedContent::fetch() {
    Piece next = takeSpare();
    next.resize(static_cast<std::size_t>(std::min<std::uint64_t>(ObjectReader::kPiece, object_.size - offset_)));
    reader_(offset_, next);
    offset_ += next.size();
    used_ = 0;
    std::swap(current_, next);
    if (next.empty()) return;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || ready_.size() < kAhead; });
    if (stopping_) throw Error(ErrorCode::Cancelled, "read ahead: cancelled");
    ready_.push_back(std::move(next));
    changed_.notify_all();
}

StreamedContent::Piece StreamedContent::takeSpare() {
    const std::lock_guard lock(mutex_);
    if (spare_.empty()) return {};
    Piece piece = std::move(spare_.back());
    spare_.pop_back();
    return piece;
}

ConstBytes StreamedContent::next() {
    std::unique_lock lock(mutex_);
    if (!sent_.empty()) spare_.push_back(std::exchange(sent_, {}));
    changed_.wait(lock, [&] { return !ready_.empty() || ended_; });
    // What was read before a failure is of no use: the object will not be whole.
    if (failure_) throw Error(*failure_);
    if (ready_.empty()) return {};
    sent_ = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    return sent_;
}

std::optional<Timestamp> StreamedContent::timestamp() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_; });
    if (!timestamp_ && failure_) throw Error(*failure_);
    return timestamp_;
}

std::optional<Error> StreamedContent::failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
}

}  // namespace litestream::migrate
