#pragma once

#include "DatabaseFile.h"
#include "Watch.h"

#include "../sqlite/FileEvents.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace litestream::journal {

/// Notices commits in all databases of the process, with one thread, one inotify instance and no timer per database.
///
/// Every commit writes to the database file, before it is committed. So a one-shot watch on the file makes a database warm: its change counter is
/// read, without a lock, every few milliseconds, until the write transaction is over and nothing else comes. Of an idle one nothing
/// is read but once in a slow tick, for what inotify does not see.
///
/// Threads: all members may be called from any thread. wake functions run on the watcher's thread without its mutex.
class Watcher {
public:
    using Clock = std::chrono::steady_clock;

    explicit Watcher(std::chrono::nanoseconds slowPoll);
    ~Watcher();
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    /// Looks after an attached database until forget(). The file must stay open until then.
    void follow(std::shared_ptr<Watch> watch, const DatabaseFile& file);

    /// The interest of `watch` has a new callAt.
    void reconsider(const Watch& watch);

    /// Wakes with Wake::Attach when a detached database may be attachable: when a file is there if it was `missing`, else after
    /// `retryAfter`, and again from time to time.
    void await(std::shared_ptr<Watch> watch, std::filesystem::path database, bool missing,
               std::chrono::nanoseconds retryAfter);

    /// After it returns the watcher reads nothing of this database any more.
    void forget(const Watch& watch);

private:
    struct Followed;
    struct Awaited;
    struct Call {
        std::shared_ptr<Watch> watch;
        Wake reason;
    };
    using Calls = std::vector<Call>;

    void run() noexcept;
    Clock::duration untilNextLook(Clock::time_point now) const;
    void readEvents(Clock::time_point now, Calls& calls);
    void lookAtWarm(Clock::time_point now, Calls& calls);
    void slowTick(Clock::time_point now, Calls& calls);
    void remindOfDetached(Clock::time_point now, Calls& calls);
    void warm(Followed& followed, Clock::time_point now);
    void arm(Followed& followed);
    void disarm(Followed& followed);
    void remove(const Watch& watch);
    static void report(Followed& followed, Wake reason, Calls& calls);

    const Clock::duration slowPoll_;
    sqlite::FileEvents events_;

    mutable std::mutex mutex_;  // guards everything below except stop_; held while headers are read
    std::vector<std::unique_ptr<Followed>> followed_;
    std::vector<Followed*> warm_;
    std::unordered_map<int, Followed*> byDescriptor_;
    std::vector<std::unique_ptr<Awaited>> awaited_;
    Clock::time_point nextSlowTick_;

    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace litestream::journal
