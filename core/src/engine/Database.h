#pragma once

#include "engine/Admission.h"
#include "engine/Batch.h"
#include "engine/Cadence.h"
#include "engine/DirectoryLock.h"
#include "engine/Engine.h"
#include "engine/LocalState.h"
#include "engine/PageSums.h"
#include "engine/Payload.h"
#include "engine/PositionJournal.h"
#include "engine/ReconcileLimit.h"
#include "engine/SumsKeeper.h"
#include "levels/Keeper.h"
#include "replica/Survey.h"
#include "replica/Uploader.h"
#include "transport/Compose.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace litestream::engine {

/// What all databases of an engine share.
struct Services {
    const plugin::Registry& registry;
    const Limits limits;
    const std::shared_ptr<WallClock> clock;
    const std::shared_ptr<transport::RateLimit> rate;  ///< of all transports together; null = no limit
    ChunkPool chunks;
    boost::asio::thread_pool workers;  ///< strands, encoding; never blocks on a network
    boost::asio::thread_pool io;       ///< blocking transport calls, reading of whole databases
    Admission compactions;             ///< long jobs on `io`
};

/// One database and its replicas: the state machine of docs/architecture.md.
///
///     surveying -> detached <-> tracking <-> lost (reconcile) -> tracking ... -> closed
///
/// Everything happens on the database's strand unless it says otherwise. Long work (encoding, reading the database, uploads) is posted to the pools and
/// comes back to the strand; at most one encoding is under way, so TXIDs are made in order and a slow disk makes larger batches instead of a queue.
class Database : public std::enable_shared_from_this<Database> {
public:
    /// Locks the metadata directory and opens the plugins' objects; no request, no touch of the database. Throws as Engine::add says.
    Database(Services& services, const DatabaseOptions& options);

    /// From any thread.
    void start();
    /// Nothing = done.
    using Done = std::function<void(const std::optional<Error>& failure)>;
    /// Calls `done` when `aim` is reached, or when it is given up, which only DatabaseOptions::patience allows. From any thread.
    void await(Aim aim, Done done);
    /// As await(Synced), for the last time: a database that could not be attached so far is tried once more, and what waits after a failure is tried at once. With
    /// `once` a replica is given up at its first failure.
    void close(bool once, Done done);
    /// Cancels uploads and timers. From any thread; afterwards the pools can be joined.
    void cancel();
    /// Saves what has not been acknowledged and lets go of the database. Call it after the pools have been joined.
    void finish();
    /// Calls `done` with the state. From any thread.
    void status(std::function<void(DatabaseStatus)> done);

    const std::filesystem::path& path() const noexcept { return options_.path; }

private:
    enum class State { Surveying, Detached, Tracking, Lost, Closed };

    /// One replica as this database sees it.
    struct Replica {
        enum class State {
            Unknown,    ///< not surveyed yet: it cannot be reached
            Following,  ///< has everything up to `acknowledged`; later files are queued
            NeedsSeed,  ///< a snapshot must bridge what it misses
            Seeding,    ///< the snapshot is on its way
            Stopped,    ///< another writer, or another history
        };
        std::string name;
        std::shared_ptr<transport::Metrics> requests;
        std::shared_ptr<replica::ReplicaStore> store;
        std::shared_ptr<replica::Uploader> uploader;
        std::shared_ptr<levels::Keeper> keeper;
        State state = State::Unknown;
        std::optional<replica::Survey> survey;
        Txid acknowledged;
        Txid seed;  ///< TXID of the snapshot under way
        Txid seedBehind;  ///< a snapshot has to lead beyond this TXID, which is another state there than here
        struct Met {
            replica::FileInfo file;
            std::uint64_t checksum = 0;
        };
        std::optional<Met> met;  ///< in place of a file of ours
        std::shared_ptr<SumsBuild> seedSums;  ///< page sums that it writes, if any
        std::shared_ptr<const std::uint64_t> seedDigest;  ///< of its image; final once the upload has ended
        std::optional<std::uint64_t> seedExpected;        ///< by the page sums, at the same TXID
        bool abandoned = false;  ///< Unknown for so long that its files are not kept any more
        std::string lastError;
        ErrorCode lastErrorCode = ErrorCode::Transient;
        unsigned failures = 0;  ///< calls in a row, each with all its attempts
        std::chrono::steady_clock::time_point failedAt{};  ///< the last of these
        std::chrono::steady_clock::time_point workedAt = std::chrono::steady_clock::now();  ///< the last success
        std::optional<std::chrono::steady_clock::time_point> lastErrorLogged;
        std::chrono::steady_clock::time_point seedNotBefore{};
        bool surveyConcluded = false;
        bool doubtful = false;  ///< of our lineage, but nothing tells any more whether its newest file is ours
        bool late = false;      ///< surveyed after the others had been acted upon
        std::optional<std::chrono::steady_clock::time_point> surveyAgainAt;
    };

    struct Waiter {
        Done done;
        Aim aim;
        std::optional<std::chrono::nanoseconds> patience;  ///< with a replica that fails; nothing = no end
        std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
        std::optional<Txid> target{};
        std::set<std::size_t> over{};  ///< replicas that need not be looked at again
        std::optional<Error> failure{};
        std::set<std::size_t> asked{};  ///< replicas that a snapshot is made for
    };

    // Database.cpp: life cycle, attaching. post() brings an action to the strand; an exception there is a failed database, not a dead process.
    template <class Action>
    void post(Action action);
    std::shared_ptr<replica::Uploader> makeUploader(std::size_t index);
    void attach();
    void attachOutcome(const Attachment& attachment);
    void firstContact();
    void contactPostponed(const Error& error);
    void contactFailed(const Error& error);
    void armTimer(std::chrono::steady_clock::time_point when);
    void refuse(const Error& error);

    // DatabaseCapture.cpp: turns and cuts
    void wake(Wake reason);
    void turn();
    void service(unsigned reasons);
    bool captureAll();
    void startCut();
    struct Encoded {
        std::shared_ptr<Payload> payload;  ///< null when it failed
        JournalRecord record;
        std::string failure;
    };
    void encoded(const Encoded& cut);
    void lost(const std::string& reason);
    void wentAway(const std::string& reason);
    void giveBack(const JournalRecord& record, const std::string& reason);
    void record(const JournalRecord& record);
    ltx::Header header(Txid min, Txid max);
    Timestamp timestamp();
    std::filesystem::path spoolFile(Txid txid) const;

    // DatabaseReconcile.cpp: the pages that differ become a cut
    void reconcile();
    void reconciled(std::shared_ptr<Payload> payload, JournalRecord record, std::uint32_t pages, const std::string& failure,
                    const std::shared_ptr<SumsBuild>& build, std::optional<std::uint64_t> imageDigest);
    bool drain();
    bool reconcilePostponed(bool whole);
    // DatabaseSurvey.cpp: what the replicas hold, and whose they are
    void surveyReplica(std::size_t index);
    void surveyed(std::size_t index, std::optional<replica::Survey> survey, const std::optional<Error>& error);
    void retrySurveys();
    void surveyAllIn(std::chrono::milliseconds wait);
    void establish();
    void established();
    enum class Kinship { Ours, SameLineage, Foreign };
    Kinship kinship(const replica::Survey& survey, const PositionJournal::Contents& journal) const;
    void adopt();
    // DatabaseResume.cpp: going on where an earlier process ended
    void takeUp(const PositionJournal::Contents& journal);
    std::vector<std::shared_ptr<Payload>> loadSpool(const PositionJournal::Contents& journal) const;  ///< on an I/O thread
    bool doesWithoutSpool(const Error& failure);
    void resume(const PositionJournal::Contents& journal);
    void repairSums();
    using FileOpener = std::function<ltx::ByteSource(const CallContext&)>;
    FileOpener findFile(Txid txid) const;
    void placeReplica(Replica& replica);
    void lateReplica(Replica& replica);
    // DatabaseReplicas.cpp: queues, seeds, acknowledgements, waiters
    void enqueue(Replica& replica, const std::shared_ptr<Payload>& payload);
    void admit(const std::shared_ptr<Payload>& payload);
    void limitUnsent();
    void limitMemory();
    void limitSpool();
    bool seedWanted() const;
    bool seedDue(const Replica& replica) const;
    void startSeed();
    void settleSums();
    void stored(std::size_t index, const replica::Upload& upload, std::uint64_t bytes);
    void failed(std::size_t index, const replica::Upload& upload, const Error& error, std::chrono::milliseconds wait);
    std::chrono::milliseconds waitAfter(const Replica& replica, const Error& error) const;
    void noteFailure(Replica& replica, const Error& error, std::chrono::milliseconds wait);
    void noteRecovery(Replica& replica);
    void stopped(std::size_t index, const std::string& reason);
    bool metItsPredecessor(const Replica& replica) const;
    void passItsPredecessor(std::size_t index);
    bool needed(const Payload& payload) const;
    /// How many cuts are on their way to the replica that has most.
    std::size_t unsentToTheQuickest() const;
    void releaseUnneeded();
    void demote(Replica& replica, const std::string& reason);
    void needSeed(Replica& replica, std::chrono::milliseconds wait);
    bool anyFailing() const;
    void hurryReplicas();
    bool inHurry() const { return closing_ || options_.patience.has_value(); }
    // DatabaseWaiters.cpp
    void settleWaiters();
    bool settled(Waiter& waiter);
    void findTarget(Waiter& waiter) const;
    Error replicaFailure(const Replica& replica, const Waiter& waiter, const Error& error) const;
    std::optional<Error> databaseFailure(const Waiter& waiter);
    bool reached(std::size_t index, Waiter& waiter);
    std::optional<Error> givenUp(const Replica& replica, const Waiter& waiter);
    bool hasSnapshot(const Replica& replica, Txid txid) const;
    // DatabaseLevels.cpp: compaction and retention
    std::shared_ptr<levels::Keeper> makeKeeper(std::size_t index);
    void tendLevels();
    bool seedInstead(Replica& replica, const std::string& reason);
    // DatabaseProof.cpp: what the page sums say about replicas, and the database about the page sums
    SumsKeeper::Events sumsEvents();
    void digestKnown(Txid txid, std::uint64_t digest);
    void digestsWrong(Txid txid);
    void tellDigest(Replica& replica);
    levels::Evidence evidenceOf(const Replica& replica, const replica::Upload& upload, bool current) const;
    void captureWrong(Txid txid, const std::string& expected, const std::string& found);
    bool captureMatches(Txid txid, std::uint64_t captured, std::uint64_t image);
    bool mendReplica(std::size_t index, Txid txid, levels::ReadState read);
    void mendRead(const std::string& failure);
    /// `oursAlone`: it was the page sums that were wrong, not the replica.
    void mended(Txid shipped, bool oursAlone);
    void scheduleSelfCheck();
    void startSelfCheck();
    void selfChecked(Txid txid, std::uint64_t captured, std::optional<std::uint64_t> image, const std::string& failure);
    /// Where a file of a replica can be had from once more: what waits for others, and the others.
    std::vector<levels::Donor> donors(std::size_t index, const replica::FileId& file, const levels::HeldFile& known) const;
    /// Whether a file may be on its way to the replica.
    bool mayArrive(const Replica& replica, const replica::FileId& file) const;
    bool atRest(const Replica& replica) const;

    Services& services_;
    const DatabaseOptions options_;
    const MetaPaths meta_;
    const DirectoryLock lock_;
    const std::shared_ptr<const Codec> codec_;
    boost::asio::strand<boost::asio::thread_pool::executor_type> strand_;
    boost::asio::steady_timer timer_;
    std::optional<std::chrono::steady_clock::time_point> timerAt_;
    std::unique_ptr<Source> source_;
    std::atomic<unsigned> reasons_{0};  // wakes that the next turn has to look at

    State state_ = State::Surveying;
    std::string stateReason_;
    bool refused_ = false;  // ... and it is an error that time alone does not mend
    PositionJournal journal_;
    PageSums sumsFile_;
    SumsKeeper sums_;
    std::vector<Replica> replicas_;

    std::uint64_t lineage_ = 0;
    Txid txid_;  // newest one given to a cut
    Position position_;  // behind everything captured
    std::chrono::steady_clock::time_point attachNotBefore_{};
    std::optional<Position> provable_;  // what attach() has to prove
    std::vector<JournalRecord> unseen_;  // of files that an earlier process sent, perhaps, and that no replica had when we came
    std::optional<std::chrono::steady_clock::time_point> contactBegunAt_;  // of a first contact whose image takes its time
    std::uint32_t pageSize_ = 0;
    std::uint32_t commit_ = 0;
    FileAttributes attributes_;
    Timestamp lastTimestamp_;
    std::unique_ptr<Batch> batch_;
    Cadence cadence_;
    bool encoding_ = false;     // a cut or a reconcile is being encoded
    bool reconciling_ = false;  // it is a reconcile
    unsigned reconcileFailures_ = 0;
    ReconcileLimit fullReconciles_;
    bool postponed_ = false;  // and a log line says so
    bool establishing_ = false;  // surveys are being acted upon; later ones wait
    std::uint64_t newestChecksum_ = 0;  // of the file of txid_
    bool caughtUp_ = false;  // the last capture left nothing behind
    bool heldBack_ = false;  // a cut waits for the store: think again when something has arrived there
    bool pressing_ = false;  // the log wants to be captured, whatever the cadence says
    bool forced_ = false;    // cut now, whatever the cadence says
    bool anchorWanted_ = false;  // a snapshot needs a level-0 file beside it
    std::string lostReason_;
    std::optional<std::chrono::steady_clock::time_point> lostAgainAt_;
    /// A replica that holds something else than it has to, while its page sums are read and the pages that differ are shipped.
    struct Mend {
        std::size_t replica = 0;
        bool read = false;  ///< its page sums are in their file
    };
    std::optional<Mend> mend_;
    std::chrono::nanoseconds selfCheckInterval_{0};  // 0 = never
    std::optional<std::chrono::steady_clock::time_point> selfCheckAt_;
    bool selfChecking_ = false;
    std::deque<std::shared_ptr<Payload>> unsent_;  // ascending; some replica may need each of them
    bool spoolFailing_ = false;
    unsigned spoolLooks_ = 0;  // in vain, at the start
    std::chrono::steady_clock::time_point spoolErrorLogged_{};
    std::vector<Waiter> waiters_;
    bool closing_ = false;
    std::atomic<bool> cancelled_{false};
    CancellationSource surveys_;
    std::uint64_t reconciles_ = 0;
    std::string lastReconcile_;
    std::optional<Txid> foreignNewest_;  // seen while waiting whether another writer is alive
};

template <class Action>
void Database::post(Action action) {
    boost::asio::post(strand_, [self = shared_from_this(), action = std::move(action)]() mutable {
        try {
            action(*self);
        } catch (const std::exception& error) {
            self->lost(error.what());
        }
    });
}

}  // namespace litestream::engine
