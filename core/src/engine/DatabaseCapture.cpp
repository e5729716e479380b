#include "engine/Database.h"

#include "engine/Encoding.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <boost/asio/post.hpp>

namespace litestream::engine {

namespace {

/// Where the first frame of a WAL begins.
constexpr std::int64_t kWalHeaderBytes = 32;

constexpr unsigned bit(Wake reason) { return 1u << static_cast<unsigned>(reason); }

using SteadyClock = std::chrono::steady_clock;

}  // namespace

void Database::wake(Wake reason) {
    // Many wakes, one turn: only the first one since the last turn posts.
    if (reasons_.fetch_or(bit(reason)) == 0) post(&Database::turn);
}

void Database::turn() {
    const unsigned reasons = reasons_.exchange(0);
    retrySurveys();
    switch (state_) {
        case State::Surveying:
            break;
        case State::Detached:
            attach();
            if (state_ == State::Tracking) service(reasons);
            break;
        case State::Lost:
            reconcile();
            break;
        case State::Tracking:
            service(reasons);
            break;
        case State::Closed:
            break;
    }
}

void Database::service(unsigned reasons) {
    const auto now = SteadyClock::now();
    const auto allowed = cadence_.next(now);
    const bool due = allowed <= now || forced_ || anchorWanted_;
    // Commits that may not be cut yet are left in the log, where later ones replace them, until the log presses.
    if (!due && (reasons & bit(Wake::Pressing)) == 0) {
        armTimer(allowed);
        return;
    }
    if (!captureAll()) return;
    const bool pending = batch_ && !batch_->empty();
    const bool full = pending && batch_->bytes() >= services_.limits.cutBytes;
    if ((pending || anchorWanted_) && !encoding_ && !spoolFailing_ && (due || full || seedWanted())) startCut();
    if (batch_ && !batch_->empty() && !encoding_ && !due && !full) armTimer(allowed);
    startSeed();
    if (caughtUp_ && (!batch_ || batch_->empty())) forced_ = false;
    if (state_ == State::Tracking) source_->release(position_);
    settleWaiters();
}

bool Database::captureAll() {
    const std::uint64_t limit = services_.limits.cutBytes;
    while (state_ == State::Tracking) {
        if (!batch_) batch_ = std::make_unique<Batch>(pageSize_, services_.chunks, meta_.spool());
        // A full batch is cut first, or waits for the cut before it: meanwhile the log keeps the rest.
        if (batch_->bytes() >= limit) {
            caughtUp_ = false;
            return true;
        }
        Capture capture;
        try {
            capture = source_->capture(limit - batch_->bytes(), *batch_);
        } catch (const Error& error) {
            lost(error.what());
            return false;
        }
        if (capture.outcome == Capture::Outcome::Lost) {
            lost(capture.reason);
            return false;
        }
        if (capture.outcome == Capture::Outcome::Detached) {
            // What was captured before is whole and true: it goes out with the next cut.
            log::info("database went away", {{"db", options_.path.string()}, {"reason", capture.reason}});
            provable_ = position_;
            state_ = State::Detached;
            stateReason_ = capture.reason;
            if (!batch_->empty() && !encoding_) startCut();
            wake(Wake::Attach);
            return false;
        }
        if (capture.outcome == Capture::Outcome::Unchanged) {
            caughtUp_ = true;
            return true;
        }
        position_ = capture.position;
        commit_ = capture.commit;
        caughtUp_ = capture.outcome == Capture::Outcome::Captured;
        if (caughtUp_) return true;
    }
    return true;
}

Timestamp Database::timestamp() {
    // Never back: a clock that was set back must not make newer files look older.
    lastTimestamp_ = std::max(lastTimestamp_, services_.clock->now());
    return lastTimestamp_;
}

ltx::Header Database::header(Txid min, Txid max) {
    // The WAL fields stay at "no frame" on purpose (docs/decisions/0006): they are read by one program only, upstream's daemon
    // when it goes on with our replica, and it would trust them further than they reach.
    ltx::Header header;
    header.pageSize = pageSize_;
    header.commit = commit_;
    header.minTxid = min;
    header.maxTxid = max;
    header.timestamp = timestamp();
    header.wal = {kWalHeaderBytes, 0, 0, 0};
    header.nodeId = lineage_;
    return header;
}

std::filesystem::path Database::spoolFile(Txid txid) const { return meta_.spool() / (ltx::format(txid) + ".ltx"); }

void Database::startCut() {
    encoding_ = true;
    anchorWanted_ = false;
    txid_ = txid_.next();
    cadence_.spend(SteadyClock::now());
    const ltx::Header head = header(txid_, txid_);
    std::shared_ptr<Batch> batch = std::move(batch_);
    if (!batch) batch = std::make_shared<Batch>(pageSize_, services_.chunks, meta_.spool());
    JournalRecord record{txid_, position_, 0, head.timestamp, commit_};
    if (caughtUp_) forced_ = false;
    for (auto& waiter : waiters_) {
        if (!waiter.target && caughtUp_) waiter.target = txid_;
    }
    boost::asio::post(services_.workers,
                      [self = shared_from_this(), head, batch, record, toSpool = anyFailing()]() mutable {
        std::shared_ptr<Payload> payload;
        std::string failure;
        try {
            payload = encodeBatch(*batch, head, *self->codec_, self->services_.chunks, self->spoolFile(head.maxTxid), toSpool);
        } catch (const std::exception& error) {
            failure = error.what();
        }
        batch.reset();
        boost::asio::post(self->strand_, [self, payload, record, failure] { self->encoded(payload, record, failure); });
    });
}

void Database::encoded(std::shared_ptr<Payload> payload, const JournalRecord& record, const std::string& failure) {
    encoding_ = false;
    JournalRecord complete = record;
    std::string reason = failure;
    if (payload) {
        complete.fileChecksum = newestChecksum_ = payload->fileChecksum();
        try {
            journal_.append(complete);
        } catch (const Error& error) {
            // The file counts without its record: only a restart would not know how far it reached.
            log::warn("position not recorded", {{"db", options_.path.string()}, {"error", error.what()}});
        }
        admit(payload);
    } else {
        // The TXID was never given away, so it is free again; what the batch held is found again by comparing.
        for (auto& replica : replicas_) {
            if (replica.state == Replica::State::Seeding && replica.seed == txid_) demote(replica, reason);
        }
        txid_ = Txid{txid_.value - 1};
        lost(reason);
        return;
    }
    turn();
}

void Database::lost(const std::string& reason) {
    batch_.reset();
    caughtUp_ = false;
    lostReason_ = reason;
    if (state_ != State::Closed) state_ = State::Lost;
    reconcile();
}

void Database::reconcile() {
    if (state_ != State::Lost || encoding_) return;  // an encoding that ends takes another turn
    settleSums();
    std::shared_ptr<Image> image;
    try {
        image = source_->image();
    } catch (const Error& error) {
        stateReason_ = error.what();
        log::debug("reconcile postponed", {{"db", options_.path.string()}, {"reason", error.what()}});
        armTimer(SteadyClock::now() + std::chrono::milliseconds(100));
        return;
    }
    encoding_ = reconciling_ = true;
    stateReason_.clear();
    state_ = State::Tracking;
    pageSize_ = image->pageSize();
    position_ = image->position();
    commit_ = image->pageCount();
    const Txid txid = txid_.next();
    const ltx::Header head = header(txid, txid);
    const bool compare = sums_.txid() == txid_ && sums_.txid();
    const bool build = !compare && sumsBuilder_ == SumsBuilder::None;
    if (build) {
        sumsBuilder_ = SumsBuilder::Reconcile;
        sums_.build(txid);
    }
    ++reconciles_;
    lastReconcile_ = lostReason_;
    boost::asio::post(services_.io, [self = shared_from_this(), head, image, compare, build, txid]() mutable {
        JournalRecord record{txid, image->position(), 0, head.timestamp, head.commit};
        std::shared_ptr<Payload> payload;
        std::string failure;
        std::uint32_t pages = head.commit;
        try {
            if (compare) {
                Batch batch(head.pageSize, self->services_.chunks, self->meta_.spool());
                pages = collectDifferences(*image, self->sumsFile_, batch);
                const bool same = pages == 0 && self->sumsFile_.load().commit == head.commit;
                image.reset();
                if (!same) {
                    payload = encodeBatch(batch, head, *self->codec_, self->services_.chunks, self->spoolFile(txid), false);
                }
            } else {
                payload = encodeImage(*image, head, *self->codec_, self->services_.workers, self->spoolFile(txid),
                                      build ? &self->sumsFile_ : nullptr);
            }
        } catch (const std::exception& error) {
            failure = error.what();
        }
        image.reset();
        boost::asio::post(self->strand_,
                          [self, payload, record, pages, failure] { self->reconciled(payload, record, pages, failure); });
    });
}

void Database::reconciled(std::shared_ptr<Payload> payload, JournalRecord record, std::uint32_t pages,
                          const std::string& failure) {
    encoding_ = reconciling_ = false;
    const bool built = sumsBuilder_ == SumsBuilder::Reconcile;
    if (built) sumsBuilder_ = SumsBuilder::None;
    if (!failure.empty()) {
        if (built) sums_.failed();
        log::error("reconcile failed", {{"db", options_.path.string()}, {"error", failure}});
        batch_.reset();
        state_ = State::Lost;
        armTimer(SteadyClock::now() + std::chrono::seconds(1));
        return;
    }
    if (built) {
        sums_.built(record.commit);
        payload->sums.settled = true;
    }
    log::info("reconcile", {{"db", options_.path.string()}, {"cause", lostReason_}, {"pages", pages}, {"of", record.commit},
                            {"txid", ltx::format(payload ? record.txid : txid_)}});
    if (payload) {
        txid_ = record.txid;
        record.fileChecksum = newestChecksum_ = payload->fileChecksum();
        journal_.append(record);
        admit(payload);
    } else {
        // Nothing differs: the newest TXID already is this state. Only the position moved.
        record.txid = txid_;
        record.fileChecksum = newestChecksum_;
        journal_.append(record);
    }
    turn();
}

}  // namespace litestream::engine
