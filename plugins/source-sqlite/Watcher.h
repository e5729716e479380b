#pragma once

#include "LockConnection.h"
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

namespace litestream::sqlite {

/// Notices commits in all databases of the process, with one thread, one inotify instance and no timer per database.
///
/// An idle database has a one-shot inotify watch on its -wal; the slow tick looks at every wal-index as well, since inotify does not see
/// every writer and may run out of watches. An event usually precedes the publication of its commit, so
/// the database is warm for a while: it is polled until the commit is seen and nothing else is under way. Read are wal-index headers
/// and, before it is watched again, the header of the frame behind the last published one; no lock is taken.
///
/// Threads: all members may be called from any thread. wake functions run on the watcher's thread without its mutex.
class Watcher {
public:
    using Clock = SteadyClock;

    explicit Watcher(std::chrono::nanoseconds slowPoll);
    ~Watcher();
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    /// Looks after an attached database until forget(). The connection must stay open until then.
    void follow(std::shared_ptr<Watch> watch, const LockConnection& connection);

    /// Wakes with Wake::Attach when a detached database may be attachable: when a file is there if it was `missing`, else after
    /// `retryAfter`.
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
    void look(Calls& calls);
    void readEvents(Clock::time_point now, Calls& calls);
    void pollWarm(Clock::time_point now, Calls& calls);
    void slowTick(Clock::time_point now, Calls& calls);
    void checkPaths(Calls& calls);
    void checkAwaited(Clock::time_point now, Calls& calls);
    void warm(Followed& followed, Clock::time_point now);
    void arm(Followed& followed);
    void disarm(Followed& followed);
    void addWatch(Followed& followed, int& descriptor, const std::filesystem::path& path);
    void remove(const Watch& watch);

    const Clock::duration slowPoll_;
    FileEvents events_;

    mutable std::mutex mutex_;  // guards everything below except stop_; held while wal-indexes are read
    std::vector<std::unique_ptr<Followed>> followed_;
    std::vector<Followed*> warm_;
    std::unordered_map<int, Followed*> byDescriptor_;
    std::vector<std::unique_ptr<Awaited>> awaited_;
    std::size_t nextPathCheck_ = 0;
    Clock::time_point nextSlowTick_;

    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace litestream::sqlite
