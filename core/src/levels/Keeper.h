#pragma once

#include "levels/Compactor.h"
#include "levels/Ledger.h"
#include "levels/Proof.h"
#include "levels/Retention.h"
#include "levels/Validation.h"
#include "levels/VerifiedBody.h"
#include "levels/VerifyRestore.h"

#include "util/Clock.h"

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

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
        std::filesystem::path inventoryFile{};  ///< where the inventory is written down; empty = nowhere
        std::function<void(Action)> background;  ///< runs an action that blocks
        std::function<void(Action)> onStrand;    ///< brings an action to the strand; drops it when there is none any more
        std::function<Clock::time_point()> now = Clock::now;
        /// A directory for what a very large merge needs besides memory, and for restores that are a trial, unless the settings name one.
        std::filesystem::path scratch{};
        std::function<Timestamp()> wall = [] { return SystemWallClock().now(); };
        std::function<double()> random = [] { return 0.5; };  ///< from 0 to 1: databases do not all list at the same moment

        // Events, on the strand.
        std::function<void()> ended;                                     ///< a job has ended: turn() may find more to do
        std::function<void(const std::string& reason)> conflict;         ///< another writer uses the replica
        /// Only a snapshot of the database can put the replica right. False = not now: the keeper asks again later.
        std::function<bool(const std::string& reason)> needsDatabase;
        /// What the replica holds as the state of `txid` is not what the database was. `read` reads that state, for at most as long as a transfer takes, on any
        /// thread, and throws Error. The pages that differ have to become a new transaction; then shipped() is called. False = not now.
        std::function<bool(Txid txid, ReadState read)> mismatch;

        /// Level 0 has become empty beside a snapshot, which upstream's daemon would misunderstand.
        std::function<void()> needsAnchor{};

        // Questions, on the strand.
        /// Where else a file can be had from, best first. Empty = nowhere.
        std::function<std::vector<Donor>(const replica::FileId& file, const HeldFile& known)> donors{};
        /// Whether a file that we know nothing of may be an upload of ours that has not been answered yet.
        std::function<bool(const replica::FileId& file)> expected{};
        /// What files of our own making have as node id; 0 = not known.
        std::function<std::uint64_t()> lineage{};
    };
    explicit Keeper(Setup setup);

    /// Begins with what is known from before and with a listing that was made just now; where they differ the next turns see to it.
    void attach(std::span<const replica::FileInfo> listing, Timestamp wallNow);
    /// The same with the listing alone: another writer has kept the replica meanwhile.
    void adopt(std::span<const replica::FileInfo> listing, Timestamp wallNow);
    /// A file has arrived at the replica.
    void stored(const replica::FileInfo& file, const Evidence& evidence);
    /// The digest of the database at a TXID has become known.
    void expect(Txid txid, std::uint64_t digest) { ledger_.expect(txid, digest); }
    /// No digest that became known so far is believed any more, nor what was proven by it.
    void forgetDigests() { ledger_.forgetDigests(); }
    /// What did not match has been shipped anew. On the strand.
    void shipped();
    /// Starts what is due. Returns when to call again; nothing = after something was stored or a job has ended.
    std::optional<Clock::time_point> turn(const FileAttributes& attributes);
    /// For a keeper that turn() is not called of: deletes what may be deleted now, without regard to the distance between two requests. True = nothing is left; false =
    /// under way, ask again after Setup::ended. Throws what the last attempt has failed with.
    bool enforceRetention();
    /// Ends a running job soon, and for good. From any thread.
    void cancel() { cancellation_.cancel(); }
    /// For the last time: what is known is made durable.
    void close() { ledger_.close(); }

    const Inventory& inventory() const noexcept { return inventory_; }

private:
    /// What a job that failed leaves.
    struct Failure {
        std::optional<Error> error;               ///< none = it did not fail
        std::optional<replica::FileId> culprit;   ///< a file that is damaged or gone
        std::optional<DigestError> mismatch;      ///< the files are sound, and not what they have to be
    };
    /// After failures of whatever work; each further one doubles it.
    static constexpr auto kFirstWait = std::chrono::seconds(2);
    static constexpr auto kLongestWait = std::chrono::minutes(5);
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

    /// Of merges, deletions, validations, trials.
    bool startKind(unsigned kind, Clock::time_point now, const FileAttributes& attributes);
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

    /// What a listing will tell as the time of a file that was put just now.
    std::optional<Timestamp> seenAfterPut(const replica::FileInfo& file) const;

    // KeeperProof.cpp: what is compared with what it has to be, and put right
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

    // KeeperAudit.cpp: comparing the replica with the inventory, and seeing to what was found
    bool startAudit(const FileAttributes& attributes);
    void startListing();
    void listed(const std::vector<replica::FileInfo>& listing, const Failure& failure);
    std::optional<Clock::time_point> nextAudit(Clock::time_point now) const;
    /// What looking at a file told.
    struct Inspected {
        replica::FileInfo file;
        bool read = false;  ///< and it is sound; otherwise it is there, as large as it should be
        std::uint64_t fileChecksum = 0;
        std::uint64_t nodeId = 0;
    };
    Inspected inspect(const Finding& finding, std::optional<std::uint64_t> size);
    void startInspection(const Finding& finding);
    void inspected(const Finding& finding, const Inspected& seen, const Failure& failure);
    void notSound(const Finding& finding, const Error& error);
    void confirm(Trouble trouble, const std::string& reason);
    void anotherWriter(const Finding& finding);
    void judgeKnown(const Finding& finding, const Inspected& seen);
    void judgeUnknown(const Finding& finding, const Inspected& seen);
    void reportUnknown(const Finding& finding, const std::string& reason);
    bool startMending(const Finding& finding, const FileAttributes& attributes);
    /// What a copy became; without a donor's name none had the file as it was.
    struct Mended {
        replica::FileInfo file;
        std::uint64_t fileChecksum = 0;
        std::string from;
        std::string why;  ///< it failed
    };
    Mended mend(const Finding& finding, const std::vector<Donor>& donors, const FileAttributes& attributes, bool patient);
    void mended(const Finding& finding, const Mended& result, const Failure& failure);
    void lost(const Finding& finding, const std::string& reason);
    bool bridged(const replica::FileId& file) const;
    void settled();
    void auditFailed(const Error& error);

    const Setup setup_;
    CancellationSource cancellation_;
    Ledger ledger_;
    const Inventory& inventory_ = ledger_.inventory();
    static constexpr unsigned kKinds = 4;
    unsigned lastKind_ = kKinds - 1;  ///< whose turn it was
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
    Pace audit_;
    std::vector<Finding> findings_;  // by trouble; nothing else is begun before they have been seen to
    std::optional<std::set<replica::FileId>> changed_;  // by us, while a listing runs
    std::set<replica::FileId> reported_;  // unknown files
    std::set<replica::FileId> unsound_;   // damaged ones that we do not build upon: a merge may take their place
    std::optional<Error> deletionFailure_;
    bool busy_ = false;
    unsigned slowness_ = 0;  // deadlines passed in a row
};

}  // namespace litestream::levels
