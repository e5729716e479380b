#include "engine/Database.h"

#include "engine/Encoding.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <boost/asio/post.hpp>

#include <utility>

namespace litestream::engine {

namespace {

/// How long the replacement of a database and its -wal may take.
constexpr auto kReplacementTime = std::chrono::milliseconds(500);

/// Batches up to this size are encoded on the strand.
constexpr std::uint64_t kEncodedInPlace = 128 * 1024;

/// Where the first frame of a WAL begins.
constexpr std::int64_t kWalHeaderBytes = 32;

constexpr unsigned bit(Wake reason) { return 1u << static_cast<unsigned>(reason); }

using SteadyClock = std::chrono::steady_clock;

}  // namespace

void Database::wake(Wake reason) {
    // Many wakes, one turn: only the first one since the last turn posts.
    if (reasons_.fetch_or(bit(reason)) == 0) post([](Database& self) { self.turn(); });
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
            return;
    }
    const auto now = SteadyClock::now();
    for (const auto& replica : replicas_) {
        if (replica.state == Replica::State::NeedsSeed && replica.seedNotBefore > now) armTimer(replica.seedNotBefore);
    }
    if (selfCheckAt_ && *selfCheckAt_ > now) armTimer(*selfCheckAt_);
    tendLevels();
    if (state_ != State::Tracking) settleWaiters();  // service() has done it
}

void Database::service(unsigned reasons) {
    const auto now = SteadyClock::now();
    const std::size_t unsent = unsentToTheQuickest();
    const auto allowed = cadence_.next(now, unsent);
    heldBack_ = allowed > now && unsent > 0;
    const bool due = allowed <= now || forced_ || anchorWanted_;
    if (spoolFailing_) limitUnsent();
    if ((reasons & bit(Wake::Pressing)) != 0) pressing_ = true;
    // Commits that may not be cut yet are left in the log, where later ones replace them, until the log presses.
    if (!due && !pressing_) {
        armTimer(allowed);
        return;
    }
    if (!captureAll()) return;
    if (caughtUp_) pressing_ = false;
    const bool pending = batch_ && !batch_->empty();
    const bool full = pending && batch_->bytes() >= services_.limits.cutBytes;
    if ((pending || anchorWanted_) && !encoding_ && !spoolFailing_ && (due || full || seedWanted())) startCut();
    if (state_ != State::Tracking) return;
    if (batch_ && !batch_->empty() && !encoding_ && !due && !full) armTimer(allowed);
    startSeed();
    startSelfCheck();
    if (caughtUp_ && (!batch_ || batch_->empty())) forced_ = false;
    source_->release(position_);
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
            wentAway(capture.reason);
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
    const auto encode = [this, head, record, toSpool = anyFailing()](std::shared_ptr<Batch> pages) {
        Encoded result{nullptr, record, {}};
        try {
            result.payload = encodeBatch(*pages, head, *codec_, services_.chunks, spoolFile(head.maxTxid), toSpool);
            result.record.fileChecksum = result.payload->fileChecksum();
        } catch (const std::exception& error) {
            result.failure = error.what();
        }
        return result;
    };
    // A few pages are packed faster than a thread is woken.
    if (batch->bytes() <= kEncodedInPlace) {
        encoded(encode(std::move(batch)));
        return;
    }
    boost::asio::post(services_.workers, [self = shared_from_this(), encode, batch]() mutable {
        self->post([result = encode(std::move(batch))](Database& database) {
            database.encoded(result);
            database.turn();
        });
    });
}

void Database::encoded(const Encoded& cut) {
    encoding_ = false;
    if (!cut.payload) {
        giveBack(cut.record, cut.failure);
        lost(cut.failure);
        return;
    }
    newestChecksum_ = cut.record.fileChecksum;
    record(cut.record);
    admit(cut.payload);
}

void Database::record(const JournalRecord& entry) {
    try {
        journal_.append(entry);
    } catch (const Error& error) {
        // The file counts without its record: only a restart would not know how far it reached.
        log::warn("position not recorded", {{"db", options_.path.string()}, {"error", error.what()}});
    }
}

void Database::giveBack(const JournalRecord& cut, const std::string& reason) {
    // The cut has no file. If no replica has seen its TXID it is free again. A snapshot that carries it makes it spent: then the others
    // lack a file that will never be.
    const bool seen = std::any_of(replicas_.begin(), replicas_.end(), [&](const auto& replica) {
        return replica.acknowledged >= cut.txid || (replica.state == Replica::State::Seeding && replica.seed >= cut.txid);
    });
    if (!seen) {
        txid_ = Txid{cut.txid.value - 1};
        return;
    }
    record(cut);
    for (auto& replica : replicas_) {
        const bool behind = (replica.state == Replica::State::Following && replica.acknowledged < cut.txid) ||
                            (replica.state == Replica::State::Seeding && replica.seed < cut.txid);
        if (behind) demote(replica, reason);
    }
}

void Database::wentAway(const std::string& reason) {
    log::info("database went away", {{"db", options_.path.string()}, {"reason", reason}});
    // What was captured before a loss has been thrown away: then no position is what the newest cut reaches to.
    provable_.reset();
    if (state_ == State::Tracking) provable_ = position_;
    state_ = State::Detached;
    stateReason_ = reason;
    caughtUp_ = false;
    // Who replaces a database moves several files, one after the other. In between there is a pair that never belonged together.
    attachNotBefore_ = SteadyClock::now() + kReplacementTime;
    armTimer(attachNotBefore_);
}

void Database::lost(const std::string& reason) {
    if (state_ != State::Tracking && state_ != State::Lost) {
        if (state_ != State::Closed) refuse(Error(ErrorCode::Transient, reason));
        // The local state could not be read or written. It is not given up for that: everything begins again with a look at the replicas.
        if (state_ == State::Surveying) {
            establishing_ = false;
            surveyAllIn(std::chrono::seconds(10));
        }
        if (state_ == State::Detached) {
            // It went away while a cut was being made, and the cut failed: nothing continues it.
            batch_.reset();
            provable_.reset();
        }
        armTimer(SteadyClock::now() + std::chrono::seconds(1));
        return;
    }
    batch_.reset();
    caughtUp_ = false;
    lostReason_ = reason;
    state_ = State::Lost;
    reconcile();
}

}  // namespace litestream::engine
