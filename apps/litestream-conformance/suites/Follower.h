#pragma once

#include <litestream/Source.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace litestream::conformance {

/// Uses a source as core does, and keeps a plain copy of the database from what it brings, as a replica would. Whatever a source may never do
/// fails the test here.
class Follower final : private PageSink {
public:
    /// How long a source may take to notice something.
    static constexpr auto kPatience = std::chrono::seconds(5);

    using Open = std::function<std::unique_ptr<Source>(SourceContext)>;
    Follower(const Open& open, const std::filesystem::path& database);
    ~Follower() override;

    /// Attaches, with the last position when there is one and `resume` says so. After Lost it takes an image.
    Attachment attach(bool resume = false);
    Attachment attachAt(const Position& position);

    /// One capture with everything that core does around it: a loss is repaired with an image.
    Capture capture(std::uint64_t budget = std::uint64_t{32} << 20);
    /// Until nothing is left. False when the source is detached.
    bool captureAll();

    /// An image of the last captured state; captures meanwhile when the source asks for that.
    std::unique_ptr<Image> image();
    static std::string contentOf(Image& image, std::uint32_t pagesAtATime);

    void release();
    void detach();
    SourceStatus status() const;

    /// Whether one of these wakes comes before the time is up.
    bool waitFor(const std::set<Wake>& reasons, std::chrono::nanoseconds limit = kPatience);
    void forgetWakes();
    /// Captures at each wake, and now and then without one, until `done`. False when that takes longer than kPatience.
    bool followUntil(const std::function<bool()>& done);

    /// The next page makes the sink throw Error(DiskFull).
    void refusePages(bool refuse) { refuses_ = refuse; }

    /// For a capture that must not be repaired.
    PageSink& sink() noexcept { return *this; }
    void apply(const Capture& captured);

    const std::string& copy() const noexcept { return copy_; }
    Source& source() noexcept { return *source_; }
    const Position& position() const noexcept { return position_; }

private:
    void page(PageNumber number, ConstBytes content) override;
    void repair();
    void check(const char* operation, const Position& position) const;
    Attachment attached(const Position* last);

    std::mutex mutex_;  // guards wakes_
    std::condition_variable woken_;
    std::multiset<Wake> wakes_;
    std::unique_ptr<Source> source_;
    std::map<PageNumber, std::string> pending_;
    std::string copy_;
    std::uint32_t pageSize_ = 0;
    Position position_;
    bool refuses_ = false;
};

}  // namespace litestream::conformance
