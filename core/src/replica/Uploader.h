#pragma once

#include "replica/Content.h"
#include "replica/ReplicaStore.h"
#include "transport/RetryPolicy.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>

namespace litestream::replica {

/// One file on its way to a replica.
struct Upload {
    FileId file;
    Timestamp timestamp;
    FileAttributes attributes;
    std::shared_ptr<const Content> content;
    /// False: a failure drops the upload, and with it everything queued behind, which makes no sense without it; the failure is reported and nothing
    /// tried again. For content that must not be held for long (a pinned image).
    bool persistent = true;
};

/// Sends files to one replica strictly in the order in which they were given, one at a time, so that what arrived is always
/// a prefix: a process that dies leaves no hole behind (docs/decisions/0004).
///
/// Calls that fail are repeated for ever, by RetryPolicy::betweenCalls; the attempts inside a call are the transport's business. An object that is already there with other content means another writer: the uploader then stops
/// for good and says so.
///
/// Threads: all methods may be called from any thread. Events come one at a time on the I/O pool, outside the lock.
class Uploader : public std::enable_shared_from_this<Uploader> {
public:
    struct Events {
        /// The file is durable at the replica, `bytes` long.
        std::function<void(const Upload&, std::uint64_t bytes)> stored;
        /// A call failed, all its attempts included. `failures` counts from 1; `wait` until the next call. For an upload that is not
        /// persistent this is its end.
        std::function<void(const Upload&, const Error&, unsigned failures, std::chrono::milliseconds wait)> failed;
        /// Another file has the name of one that was to be sent; stopped() follows. May be empty.
        std::function<void(const FileInfo& there, std::uint64_t fileChecksum)> met{};
        /// Another writer uses this replica: nothing will be sent any more.
        std::function<void(const std::string& reason)> stopped;
    };

    Uploader(std::shared_ptr<ReplicaStore> store, boost::asio::thread_pool& io, Events events, const transport::RetryPolicy& policy = {});

    void enqueue(Upload upload);
    /// Forgets what waits and cancels what is under way. The caller gets no further events for these.
    void clear();
    /// As clear(), and for good. Does not wait.
    void close();

    /// Ends the wait after a failure, if there is one: tries again now. From now on it waits `longestWait` at most, unless the store asks for more.
    void hurry(std::chrono::milliseconds longestWait);

    /// True while something waits or is under way.
    bool busy() const;

private:
    void startNext(std::unique_lock<std::mutex>& lock);
    void clearLocked();
    void send(Upload upload, unsigned number, std::uint64_t epoch, CancellationToken token);
    void finished(const Upload& upload, std::uint64_t bytes, std::uint64_t epoch);
    void failed(const Upload& upload, const Error& error, unsigned number, std::uint64_t epoch);
    bool isOurs(const Upload& upload, const CallContext& context);

    std::shared_ptr<ReplicaStore> store_;
    boost::asio::thread_pool& io_;
    const Events events_;
    const transport::RetryPolicy policy_;
    std::atomic<unsigned> deadlinesPassed_{0};  // in a row

    mutable std::mutex mutex_;  // guards everything below
    std::deque<Upload> queue_;
    bool active_ = false;
    bool closed_ = false;
    std::uint64_t epoch_ = 0;  // grows with clear(): events of older uploads are void
    CancellationSource cancellation_;
    std::shared_ptr<boost::asio::steady_timer> backoff_;
    std::optional<std::chrono::milliseconds> longestWait_;
    unsigned hurries_ = 0;  // calls of hurry()
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace litestream::replica
