#pragma once

#include "levels/Compactor.h"
#include "levels/Proof.h"
#include "levels/Retention.h"
#include "levels/Validation.h"
#include "levels/VerifyRestore.h"
#include "util/Clock.h"

#include <functional>
#include <initializer_list>
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
        std::filesystem::path scratch{};  ///< a directory for restores that are a trial, unless the settings name one
        std::function<Timestamp()> wall = [] { return SystemWallClock().now(); };

        // Events, on the strand.
        std::function<void()> ended;                                     ///< a job has ended: turn() may find more to do
        std::function<void(const std::string& reason)> conflict;         ///< another writer uses the replica
        /// Only a snapshot of the database can put the replica right. False = not now: the keeper asks again later.
        std::function<bool(const std::string& reason)> needsDatabase;
        /// What the replica holds as the state of `txid` is not what the database was. `read` reads that state, for at most as long as a transfer takes, on any
        /// thread, and throws Error. The pages that differ have to become a new transaction; then shipped() is called. False = not now.
        std::function<bool(Txid txid, ReadState read)> mismatch;
    };
    explicit Keeper(Setup setup) : setup_(std::move(setup)) {}

    /// Begins with what a listing told that was made just now.
    void attach(std::span<const replica::FileInfo> listing, Timestamp wallNow);
    /// A file has arrived at the replica.
    void stored(const replica::FileInfo& file, const Evidence& evidence);
    /// The digest of the database at a TXID has become known.
    void expect(Txid txid, std::uint64_t digest) { inventory_.expect(txid, digest); }
    /// No digest that became known so far is believed any more, nor what was proven by it.
    void forgetDigests() { inventory_.forgetDigests(); }
    /// What did not match has been shipped anew. On the strand.
    void shipped();
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
        std::optional<DigestError> mismatch;      ///< the files are sound, and not what they have to be
    };
    /// A kind of work that waits after failures.
    struct Pace {
        bool dirty = true;                        ///< the inventory has changed: think again
        std::optional<Clock::time_point> at;      ///< otherwise think again then
        Clock::time_point notBefore{};
        unsigned failures = 0;
        /// One that has nothing to think about yet.
        static Pace quiet() {
            Pace pace;
            pace.dirty = false;
            return pace;
        }
        bool due(Clock::time_point now) const { return (dirty || (at && *at <= now)) && notBefore <= now; }
        std::optional<Clock::time_point> next() const;
        void failed(Clock::time_point now, Clock::duration first, Clock::duration longest);
    };

    bool startJob(const FileAttributes& attributes);
    bool startDeletion();
    /// Runs `work` in the background and `done` with its result and failure on the strand.
    template <class Work, class Done>
    void start(Work work, Done done) {
        const auto result = std::make_shared<decltype(work())>();
        run([work, result] { *result = work(); }, [done, result](const Failure& failure) { done(*result, failure); });
    }
    void run(Action work, std::function<void(const Failure&)> done);
    void merged(const Job& job, const Compacted& made, const Failure& failure);
    void deleted(const Deletions& deletions, std::span<const replica::ReplicaStore::Unremoved> left, const Failure& failure);
    void damaged(const replica::FileId& file, const Error& error);
    static std::optional<Clock::time_point> earliest(std::initializer_list<std::optional<Clock::time_point>> times);

    // KeeperProof.cpp: what is compared with what it has to be, and put right
    Expected expectedOf(const std::vector<replica::FileInfo>& inputs) const;
    void learn(const std::vector<replica::FileInfo>& files, const std::vector<std::uint64_t>& checksums);
    /// The state that ends with this file was read and has this digest.
    void proven(const replica::FileId& last, std::uint64_t digest);
    void mismatched(const std::vector<replica::FileInfo>& inputs, Txid txid, const DigestError& error);
    /// A file is damaged or gone: nothing that needs it is proven any more.
    void takeBack(const replica::FileId& damaged);
    void repair();
    /// A snapshot of the database has arrived.
    void seeded();
    void scheduleProofs();
    bool startValidation();
    void validated(bool more, const Failure& failure);
    bool startTrial();
    void tried(const Trial& trial, const TrialEnd& end, const Failure& failure);
    /// A part of `interval` that is another one for each replica.
    Clock::duration someWithin(Clock::duration interval) const;
    std::filesystem::path trialFile() const;
    bool repairing() const noexcept { return mending_ != Mending::Nothing; }

    const Setup setup_;
    CancellationSource cancellation_;
    Inventory inventory_;
    Pace jobs_;
    Pace deletions_;
    /// A state that does not match, on its way to be right again: no snapshot is merged meanwhile.
    enum class Mending {
        Nothing,
        Wanted,    ///< the database has not been able to begin
        Underway,  ///< it compares
        Shipped,   ///< a snapshot of it has to follow, so that nobody restores through what was wrong
        Seeding,   ///< the snapshot is on its way
    };
    Mending mending_ = Mending::Nothing;
    Txid mismatch_;
    Clock::time_point mendNotBefore_{};  // a cause that comes back at once must not ship the database again and again
    std::vector<replica::FileInfo> mismatchedFiles_;
    Pace repairs_ = Pace::quiet();
    Pace validations_ = Pace::quiet();
    std::shared_ptr<Validation> validation_;  // under way; touched by its job alone while that runs
    Pace trials_ = Pace::quiet();
    unsigned trialCount_ = 0;
    bool trialSkipped_ = false;  // and a log line says so
    bool busy_ = false;
    unsigned slowness_ = 0;  // deadlines passed in a row
};

}  // namespace litestream::levels
