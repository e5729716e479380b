#include "Follower.h"

#include "Expect.h"
#include "Trail.h"

#include <litestream/Error.h>

#include <algorithm>
#include <cstring>
#include <thread>

namespace litestream::conformance {

namespace {

using namespace std::chrono_literals;

constexpr int kMostCaptures = 10000;

}  // namespace

Follower::Follower(const Open& open, const std::filesystem::path& database) {
    auto wake = [this](Wake reason) {
        const std::lock_guard lock(mutex_);
        wakes_.insert(reason);
        woken_.notify_all();
    };
    source_ = witnessed("open", [&] { return open({database, wake}); });
}

Follower::~Follower() {
    source_.reset();
}  // before what its wakes touch

Attachment Follower::attach(bool resume) {
    return attached(resume && position_.size > 0 ? &position_ : nullptr);
}

Attachment Follower::attachAt(const Position& position) {
    return attached(&position);
}

Attachment Follower::attached(const Position* last) {
    const Attachment found = witnessed(last == nullptr ? "attach without a position" : "attach with a position",
                                       [&] { return source_->attach(last); });
    pending_.clear();
    if (found.outcome == Attachment::Outcome::Detached) {
        expectTrue("attach", !found.reason.empty(), "Detached without a reason", "a reason for people");
        return found;
    }
    expectTrue("attach", isPageSize(found.pageSize), "the page size " + std::to_string(found.pageSize),
               "one of SQLite's page sizes");
    expectTrue("attach", last != nullptr || found.outcome == Attachment::Outcome::Lost, "Proved without a position",
               "Lost");
    pageSize_ = found.pageSize;
    if (found.outcome == Attachment::Outcome::Lost) repair();
    return found;
}

void Follower::check(const char* operation, const Position& position) const {
    expectTrue(operation, position.size > 0 && position.size <= Position::kMaxBytes,
               "a position of " + std::to_string(position.size) + " bytes",
               "1 to " + std::to_string(Position::kMaxBytes));
}

void Follower::page(PageNumber number, ConstBytes content) {
    if (refuses_) throw Error(ErrorCode::DiskFull, "no room for page " + std::to_string(number));
    expectTrue("capture", number > 0 && number != lockPage(pageSize_), "page " + std::to_string(number),
               "no page 0 and no lock page");
    expectSame("capture: bytes of page " + std::to_string(number), content.size(), std::size_t{pageSize_});
    pending_[number].assign(reinterpret_cast<const char*>(content.data()), content.size());
}

/// Makes what was handed over since the last call part of the copy.
void Follower::apply(const Capture& captured) {
    check("capture", captured.position);
    const std::uint32_t commit = captured.commit;
    position_ = captured.position;
    copy_.resize(std::size_t{commit} * pageSize_);
    for (const auto& [number, content] : pending_) {
        if (number <= commit && content.size() == pageSize_)
            std::memcpy(copy_.data() + std::size_t{number - 1} * pageSize_, content.data(), pageSize_);
    }
    pending_.clear();
}

Capture Follower::capture(std::uint64_t budget) {
    Capture result = witnessed("capture", [&] { return source_->capture(budget, *this); });
    switch (result.outcome) {
        case Capture::Outcome::Captured:
        case Capture::Outcome::More:
            apply(result);
            release();
            break;
        case Capture::Outcome::Lost:
            pending_.clear();
            repair();
            break;
        case Capture::Outcome::Unchanged:
            expectTrue("capture", pending_.empty(), "Unchanged, and " + std::to_string(pending_.size()) + " pages",
                       "Unchanged and no page");
            pending_.clear();
            break;
        case Capture::Outcome::Detached:
            pending_.clear();
            break;
    }
    return result;
}

bool Follower::captureAll() {
    for (int i = 0; i < kMostCaptures; ++i) {
        const auto outcome = capture().outcome;
        if (outcome == Capture::Outcome::Unchanged) return true;
        if (outcome == Capture::Outcome::Detached) return false;
    }
    violated("capture until Unchanged", std::to_string(kMostCaptures) + " captures without an end",
             "Unchanged when nothing is left");
    return false;
}

std::unique_ptr<Image> Follower::image() {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    for (;;) {
        try {
            auto image = witnessed("image", [&] { return source_->image(); });
            if (image == nullptr) throw Error(ErrorCode::Corrupt, "image gave none");
            return image;
        } catch (const Error& error) {
            if (error.code() != ErrorCode::Transient || std::chrono::steady_clock::now() > deadline) throw;
        }
        std::this_thread::sleep_for(5ms);  // "capture and ask again"
        const Capture between = witnessed("capture", [&] { return source_->capture(std::uint64_t{32} << 20, *this); });
        if (between.outcome == Capture::Outcome::Captured || between.outcome == Capture::Outcome::More) {
            apply(between);
        } else {
            pending_.clear();
        }
    }
}

std::string Follower::contentOf(Image& image, std::uint32_t pagesAtATime) {
    const std::size_t size = image.pageSize();
    std::string content(size * image.pageCount(), '?');
    for (std::uint32_t first = 1; first <= image.pageCount(); first += pagesAtATime) {
        const std::uint32_t count = std::min(pagesAtATime, image.pageCount() - first + 1);
        const auto into = std::as_writable_bytes(std::span(content)).subspan(size * (first - 1), size * count);
        witnessed("read " + std::to_string(count) + " pages of an image from " + std::to_string(first) + " on",
                  [&] { image.read(first, into); });
    }
    return content;
}

void Follower::repair() {
    const auto current = image();
    expectTrue("image", isPageSize(current->pageSize()), "the page size " + std::to_string(current->pageSize()),
               "one of SQLite's page sizes");
    check("image", current->position());
    copy_ = contentOf(*current, 64);
    pageSize_ = current->pageSize();
    position_ = current->position();
    release();
}

void Follower::release() {
    witnessed("release", [&] { source_->release(position_); });
}

void Follower::detach() {
    witnessed("detach", [&] { source_->detach(); });
}

SourceStatus Follower::status() const {
    return witnessed("status", [&] { return source_->status(); });
}

bool Follower::waitFor(const std::set<Wake>& reasons, std::chrono::nanoseconds limit) {
    std::unique_lock lock(mutex_);
    return woken_.wait_for(lock, limit, [&] {
        return std::any_of(reasons.begin(), reasons.end(), [&](Wake reason) { return wakes_.contains(reason); });
    });
}

void Follower::forgetWakes() {
    const std::lock_guard lock(mutex_);
    wakes_.clear();
}

bool Follower::followUntil(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!done()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        waitFor({Wake::Changed, Wake::Pressing, Wake::Attach}, 50ms);
        forgetWakes();
        capture();
    }
    return true;
}

}  // namespace litestream::conformance
