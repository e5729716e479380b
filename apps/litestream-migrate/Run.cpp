#include "litestream-migrate/Run.h"

#include "common/Process.h"
#include "common/SignalWatch.h"
#include "litestream-migrate/Endpoint.h"
#include "litestream-migrate/ProgressDisplay.h"
#include "litestream-migrate/Summary.h"
#include "migrate/SameRoot.h"
#include "migrate/Subtree.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <thread>

namespace litestream::migrate_app {
namespace {

constexpr std::uint64_t kSlowest = 32u << 10;  // bytes per second of one call, when nothing is wrong
/// Level 0 is looked at every interval, everything else less often: that is what costs requests.
constexpr std::chrono::seconds kWholeEvery{60};
constexpr std::chrono::seconds kWholeEveryWithoutLevelZero{5};

/// Signals as orders: the first one ends -follow in order, anything beyond stops at once.
class Orders {
public:
    Orders(CancellationSource& stop, bool follow) : stop_(stop), patient_(follow), watcher_([this] { watch(); }) {}
    ~Orders() {
        done_.set();
        watcher_.join();
    }

    /// Waits for so long, or until it is time to end; tells which.
    bool endsWithin(std::chrono::nanoseconds time) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, time, [&] { return ending_; });
    }
    bool interrupted() const { return stop_.token().cancelled() && interrupted_; }

private:
    void watch() {
        while (const auto signal = signals_.waitUntil(done_)) {
            if (*signal == SIGCHLD) continue;
            const bool first = patient_ && !ending_;
            log::info(first ? "signal received, copying what is left" : "signal received, stopping",
                      {{"signal", app::SignalWatch::describe(*signal)}});
            const std::lock_guard lock(mutex_);
            ending_ = true;
            changed_.notify_all();
            if (first) continue;
            interrupted_ = true;
            stop_.cancel();
        }
    }

    CancellationSource& stop_;
    const bool patient_;
    app::SignalWatch signals_;
    app::Event done_;
    mutable std::mutex mutex_;  // guards ending_
    std::condition_variable changed_;
    bool ending_ = false;
    std::atomic<bool> interrupted_{false};
    std::thread watcher_;
};

/// Everything that one run needs, made once.
class Run {
public:
    Run(const Arguments& arguments, Orders& orders, CancellationSource& stop)
        : arguments_(arguments), orders_(orders), stop_(stop), endpoints_(findEndpoints(arguments)),
          from_(openEnd(endpoints_, endpoints_.from)), to_(openEnd(endpoints_, endpoints_.to)), codecs_(endpoints_.registry->codecs()),
          patience_(limit(), slowest(), stop.token(), transport::systemTiming()) {
        migrate::requireDifferentPlaces({endpoints_.from.transport, from_->describe()}, {endpoints_.to.transport, to_->describe()},
                                        arguments.recursive);
        options_.parallelism = static_cast<unsigned>(arguments.parallelism);
        options_.memoryBytes = arguments.memoryBytes;
        options_.verify = arguments.verify;
        options_.progress = [this](const migrate::Progress& progress) { display_.show(progress); };
        if (arguments.bytesPerSecond == 0) return;
        const transport::Rates rates{.bytesPerSecond = static_cast<double>(arguments.bytesPerSecond)};
        options_.rate = std::make_shared<transport::RateLimit>(rates, transport::systemTiming());
    }

    ExitCode all() {
        const auto roots = findRoots();
        if (arguments_.dryRun) return preview(roots);
        try {
            for (const std::string& root : roots) one(root, roots.size() > 1);
        } catch (...) {
            // What was done so far is worth knowing, whatever ended it.
            if (didAnything() || arguments_.json) print(orders_.interrupted() ? "interrupted" : "failed");
            throw;
        }
        const bool clean = std::all_of(outcomes_.begin(), outcomes_.end(), [](const Outcome& outcome) { return outcome.report.clean(); });
        print(failed_ ? "failed" : clean ? "complete" : "incomplete");
        return failed_ ? ExitCode::Failed : clean ? ExitCode::Complete : ExitCode::Incomplete;
    }

private:
    std::optional<migrate::Patience::Duration> limit() const {
        if (arguments_.follow) return std::nullopt;
        return arguments_.patience;
    }

    /// A call that shares the bandwidth with all others takes its time, and that is no failure.
    std::uint64_t slowest() const {
        const auto share = arguments_.bytesPerSecond / static_cast<std::uint64_t>(2 * arguments_.parallelism);
        return arguments_.bytesPerSecond == 0 ? kSlowest : std::min(kSlowest, share);
    }

    std::vector<std::string> findRoots() {
        if (!arguments_.recursive) return {""};
        auto roots = migrate::findReplicas(*from_, patience_);
        if (roots.empty()) throw Error(ErrorCode::NotFound, "no replica found below the source");
        return roots;
    }

    /// With `others`, what is wrong with this replica alone does not keep them from being copied.
    void one(const std::string& root, bool others) {
        migrate::Subtree from(*from_, root);
        migrate::Subtree to(*to_, root);
        migrate::Migration migration(from, to, codecs_, options_, patience_, stop_);
        try {
            migration.copyAll();
            if (arguments_.follow) follow(migration);
            if (arguments_.verify != migrate::Verify::None) migration.confirm();
            if (arguments_.deleteExtra) migration.deleteExtra();
        } catch (const Error& error) {
            outcomes_.push_back({root, migration.report()});
            if (!others || stop_.token().cancelled()) throw hinted(error, root);
            failed_ = true;
            log::error("replica is not migrated", {{"replica", root.substr(0, root.size() - 1)}, {"error", error.what()}});
            return;
        }
        outcomes_.push_back({root, migration.report()});
    }

    /// Until the order to end; then everything once more, so that nothing is missing that the source had at that moment.
    void follow(migrate::Migration& migration) {
        log::info("everything is copied, following", {{"interval", arguments_.interval}});
        auto whole = std::chrono::steady_clock::now();
        while (!orders_.endsWithin(arguments_.interval)) {
            const auto now = std::chrono::steady_clock::now();
            const auto every = migration.hasLevelZero() ? kWholeEvery : kWholeEveryWithoutLevelZero;
            if (now - whole >= std::max<std::chrono::nanoseconds>(every, arguments_.interval)) {
                whole = now;
                migration.copyAll();
            } else if (const auto copied = migration.copyNewest(); copied > 0) {
                log::debug("copied", {{"objects", copied}});
            }
        }
        migration.copyAll();
    }

    Error hinted(const Error& error, const std::string& root) {
        if (error.code() == ErrorCode::NotFound && !arguments_.recursive && !stop_.token().cancelled() && outcomes_.back().report.copied == 0 &&
            !migrate::findReplicas(*from_, patience_).empty()) {
            return Error(error.code(), std::string(error.what()) + ", but below it. Name one of them, or set -recursive");
        }
        return root.empty() ? error : error.within("replica " + root.substr(0, root.size() - 1));
    }

    ExitCode preview(const std::vector<std::string>& roots) {
        std::vector<Intention> intentions;
        for (const std::string& root : roots) {
            migrate::Subtree from(*from_, root);
            migrate::Subtree to(*to_, root);
            intentions.push_back({root, migrate::Migration(from, to, codecs_, options_, patience_, stop_).preview()});
        }
        const LayoutFamily family = to_->capabilities().layout;
        const auto printed = arguments_.json ? printIntentionsJson : printIntentions;
        printed(intentions, family, arguments_.deleteExtra);
        return ExitCode::Complete;
    }

    bool didAnything() const {
        return std::any_of(outcomes_.begin(), outcomes_.end(), [](const Outcome& outcome) {
            const migrate::Report& report = outcome.report;
            return report.copied + report.skipped > 0 || !report.clean();
        });
    }

    void print(const char* result) const {
        if (arguments_.json) {
            printSummaryJson(outcomes_, result);
        } else {
            printSummary(outcomes_);
        }
    }

    const Arguments& arguments_;
    Orders& orders_;
    CancellationSource& stop_;
    const Endpoints endpoints_;
    const std::unique_ptr<Transport> from_;
    const std::unique_ptr<Transport> to_;
    const ltx::CodecSet codecs_;
    migrate::Patience patience_;
    ProgressDisplay display_;
    migrate::Options options_;
    std::vector<Outcome> outcomes_;
    bool failed_ = false;  ///< a replica, while others were copied
};

}  // namespace

ExitCode run(const Arguments& arguments) {
    app::prepareProcess();
    CancellationSource stop;
    Orders orders(stop, arguments.follow);
    try {
        return Run(arguments, orders, stop).all();
    } catch (const Error&) {
        if (orders.interrupted()) return ExitCode::Interrupted;
        throw;
    }
}

}  // namespace litestream::migrate_app
