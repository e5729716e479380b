#pragma once

#include "Mirror.h"

#include <litestream/Plugin.h>
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
#include <vector>

namespace litestream::test {

using namespace std::chrono_literals;

/// A source made by the plugin that the test links, through its descriptor, used as core uses it.
class Follower {
public:
    explicit Follower(std::filesystem::path database, std::map<std::string, std::string> options = {});

    Source& source() noexcept { return *source_; }
    Mirror& mirror() noexcept { return mirror_; }

    /// Attaches; after Lost takes an image. Remembers the position over restarts when `resume` is set.
    Attachment attach(bool resume = false);
    /// One capture with everything that core does around it; a loss is counted and repaired with an image.
    Capture capture(std::uint64_t budget = 32u << 20);
    /// Captures until nothing is left.
    void captureAll();
    /// An image, asked for again as long as it is not ready.
    std::unique_ptr<Image> image();
    /// Follows its wake calls until `done` says so. False after ten seconds.
    bool followUntil(const std::function<bool()>& done, std::chrono::nanoseconds limit = 10s);
    bool waitForWake(Wake reason, std::chrono::nanoseconds limit = 10s);
    void forgetWakes();

    void destroy() { source_.reset(); }

    unsigned losses = 0;
    std::string lastLoss;
    Position position;
    Attachment attachment;
    std::vector<Capture> captures;
    std::vector<Position> before;  ///< where the source stood before each of `captures`

    std::vector<std::string> logged() const;

private:
    class TestHost final : public Host {
    public:
        void log(LogLevel level, std::string_view message) override;
        mutable std::mutex mutex;
        std::vector<std::string> lines;
    };

    void repair();

    std::filesystem::path database_;
    mutable TestHost host_;
    std::unique_ptr<SourcePlugin, void (*)(void*)> plugin_;
    std::mutex mutex_;  // guards wakes_
    std::condition_variable woken_;
    std::multiset<Wake> wakes_;
    std::unique_ptr<Source> source_;
    Mirror mirror_;
};

}  // namespace litestream::test
