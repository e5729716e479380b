#pragma once

#include "levels/Compactor.h"
#include "levels/Retention.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace litestream::levels {

/// Keeps one replica small: knows what it holds, and does what compaction and retention ask for, one job at a time, in the background.
///
/// Everything but cancel() is called on one strand, that of the database. Jobs run elsewhere, touch nothing of the keeper but its store, and come back to the strand.
/// While nothing is due there is no timer, no thread and no request.
class Keeper : public std::enable_shared_from_this<Keeper> {
public:
    using Action = std::function<void()>;

    struct Setup {
        std::string database;  ///< these two for log lines
        std::string replica;
        std::shared_ptr<replica::ReplicaStore> store;
        ltx::CodecSet codecs;
        std::shared_ptr<const Codec> codec;
        Settings settings;
        std::function<void(Action)> background;  ///< runs an action that blocks
        std::function<void(Action)> onStrand;    ///< brings an action to the strand; drops it when there is none any more
        std::function<Clock::time_point()> now = Clock::now;

        // Events, on the strand.
        std::function<void()> ended;                                     ///< a job has ended: turn() may find more to do
        std::function<void(const std::string& reason)> conflict;         ///< another writer uses the replica
        /// Only a snapshot of the database can put the replica right. False = not now: the keeper asks again later.
        std::function<bool(const std::string& reason)> needsDatabase;
    };
    explicit Keeper(Setup setup) : setup_(std::move(setup)) {}

    /// Begins with what a listing told that was made just now.
    void attach(std::span<const replica::FileInfo> listing, Timestamp wallNow);
    /// A file has arrived at the replica.
    void stored(const replica::FileInfo& file, const Evidence& evidence);
    /// The digest of the database at a TXID has become known.
    void expect(Txid txid, std::uint64_t digest) { inventory_.expect(txid, digest); }
    /// Starts what is due. Returns when to call again; nothing = after something was stored or a job has ended.
    std::optional<Clock::time_point> turn(const FileAttributes& attributes);
    /// Ends a running job soon, and for good. From any thread.
    void cancel() { cancellation_.cancel(); }

    const Inventory& inventory() const noexcept { return inventory_; }

private:
    /// What a job that failed leaves.
    struct Failure {
        std::optional<Error> error;               ///< none = it did not fail
        std::optional<replica::FileId> culprit;   ///< a file that is damaged or gone
    };
    /// A kind of work that waits after failures.
    struct Pace {
        bool dirty = true;                        ///< the inventory has changed: think again
        std::optional<Clock::time_point> at;      ///< otherwise think again then
        Clock::time_point notBefore{};
        unsigned failures = 0;
        bool due(Clock::time_point now) const { return (dirty || (at && *at <= now)) && notBefore <= now; }
        std::optional<Clock::time_point> next() const;
        void failed(Clock::time_point now, Clock::duration first, Clock::duration longest);
    };

    bool startJob(const FileAttributes& attributes);
    bool startDeletion();
    template <class Work, class Done>
    void start(Work work, Done done);
    void merged(const Job& job, const Compacted& made, const Failure& failure);
    void deleted(const Deletions& deletions, std::span<const replica::ReplicaStore::Unremoved> left, const Failure& failure);
    void damaged(const replica::FileId& file, const Error& error);

    const Setup setup_;
    CancellationSource cancellation_;
    Inventory inventory_;
    Pace jobs_;
    Pace deletions_;
    bool busy_ = false;
    unsigned slowness_ = 0;  // deadlines passed in a row
};

}  // namespace litestream::levels
