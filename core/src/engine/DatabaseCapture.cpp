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
}

void Database::service(unsigned reasons) {
    const auto now = SteadyClock::now();
    const std::size_t unsent = unsentToTheQuickest();
    const auto allowed = cadence_.next(now, unsent);
    heldBack_ = allowed > now && unsent > 0;
    const bool due = allowed <= now || forced_ || anchorWanted_;
    if (spoolFailing_) limitMemory();
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
        if (state_ != State::Closed) refuse(reason);
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

namespace {

/// Takes pages that are not wanted: everything will be compared.
class NullSink final : public PageSink {
public:
    void page(PageNumber, ConstBytes) override {}
};

}  // namespace

bool Database::drain() {
    // The source may still be tracking, when it is we who failed. It then pins images of its captured position only, so that has to be the
    // newest one; and its housekeeping happens in capture().
    constexpr int kMostPasses = 64;
    NullSink sink;
    for (int pass = 0; pass < kMostPasses; ++pass) {
        const Capture capture = source_->capture(services_.limits.cutBytes, sink);
        if (capture.outcome == Capture::Outcome::Detached) {
            wentAway(capture.reason);
            return false;
        }
        if (capture.outcome == Capture::Outcome::Lost) break;
        if (capture.outcome == Capture::Outcome::Unchanged) {
            // Nothing of it is needed, so a comparison that has to wait does not hold up the log.
            source_->release(capture.position);
            break;
        }
    }
    return true;
}

bool Database::reconcilePostponed(bool whole) {
    const auto now = SteadyClock::now();
    if (lostAgainAt_ && *lostAgainAt_ > now) {
        armTimer(*lostAgainAt_);
        return true;
    }
    lostAgainAt_.reset();
    const auto allowed = fullReconciles_.next(now);
    if (!whole || allowed <= now || forced_ || closing_) {
        postponed_ = false;
        return false;
    }
    stateReason_ = "the whole database was shipped a short while ago";
    if (!std::exchange(postponed_, true)) {
        log::warn("reconcile of the whole database postponed. Until then its replicas stay behind; a restart does it at once",
                  {{"db", options_.path.string()}, {"cause", lostReason_},
                   {"wait", std::chrono::ceil<std::chrono::seconds>(allowed - now)}});
    }
    armTimer(allowed);
    return true;
}

void Database::reconcile() {
    if (state_ != State::Lost || encoding_) return;  // an encoding that ends takes another turn
    std::shared_ptr<Image> image;
    bool compare = false;
    try {
        settleSums();
        std::error_code unknown;
        const bool gone = !std::filesystem::exists(meta_.pageSums(), unknown) && !unknown;  // somebody took the file away
        compare = sums_.txid() && sums_.txid() == txid_ && !gone;
        const bool postponed = reconcilePostponed(!compare);
        if (!drain() || postponed) return;
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
    if (!compare) sums_.distrust();
    const auto build = compare ? nullptr : sums_.build(txid, commit_);
    ++reconciles_;
    lastReconcile_ = lostReason_;
    const bool mending = mend_ && mend_->read;
    boost::asio::post(services_.io, [self = shared_from_this(), head, image, compare, build, mending]() mutable {
        JournalRecord record{head.maxTxid, image->position(), 0, head.timestamp, head.commit};
        std::shared_ptr<Payload> payload;
        std::string failure;
        std::uint32_t pages = head.commit;
        std::optional<std::uint64_t> digest;
        bool oursAlone = false;
        try {
            const auto spoolFile = self->spoolFile(head.maxTxid);
            if (compare) {
                Batch batch(head.pageSize, self->services_.chunks, self->meta_.spool());
                const PageSums replicaSums(self->meta_.replicaSums());
                const Differences found = collectDifferences(*image, self->sumsFile_, batch, mending ? &replicaSums : nullptr);
                pages = found.pages;
                digest = found.digest;
                oursAlone = found.oursAlone > 0;
                const bool same = pages == 0 && self->sumsFile_.load().commit == head.commit;
                if (!same) payload = encodeBatch(batch, head, *self->codec_, self->services_.chunks, spoolFile, false);
                if (payload) payload->sums.image = digest;
            } else {
                payload = encodeImage(*image, head, *self->codec_, self->services_.workers, spoolFile, build.get());
            }
        } catch (const std::exception& error) {
            failure = error.what();
        }
        image.reset();
        self->post([=](Database& database) {
            if (payload && !compare) database.fullReconciles_.spend(SteadyClock::now());
            database.reconciled(payload, record, pages, failure, build, digest);
            if (mending && failure.empty()) database.mended(record.txid, oursAlone);
        });
    });
}

void Database::reconciled(std::shared_ptr<Payload> payload, JournalRecord entry, std::uint32_t pages,
                          const std::string& failure, const std::shared_ptr<SumsBuild>& build, std::optional<std::uint64_t> imageDigest) {
    encoding_ = reconciling_ = false;
    sums_.end(build, failure.empty());
    if (!failure.empty()) {
        const auto wait = std::chrono::seconds(1u << std::min(reconcileFailures_, 6u));
        if (reconcileFailures_++ % 8 == 0) {
            log::error("reconcile failed", {{"db", options_.path.string()}, {"error", failure}, {"backoff", wait}});
        }
        batch_.reset();
        if (state_ == State::Tracking) state_ = State::Lost;
        provable_.reset();  // it went away meanwhile: what it continued from was never shipped
        lostAgainAt_ = SteadyClock::now() + wait;
        armTimer(*lostAgainAt_);
        return;
    }
    reconcileFailures_ = 0;
    log::info("reconcile", {{"db", options_.path.string()}, {"cause", lastReconcile_}, {"pages", pages}, {"of", entry.commit},
                            {"txid", ltx::format(payload ? entry.txid : txid_)}});
    if (payload) {
        txid_ = entry.txid;
        entry.fileChecksum = newestChecksum_ = payload->fileChecksum();
        if (build) {
            payload->sums.settled = true;
            payload->sums.digest = build->digest();
        }
        record(entry);
        admit(payload);
    } else {
        // Nothing differs: the newest TXID already is this state. Only the position moved.
        entry.txid = txid_;
        entry.fileChecksum = newestChecksum_;
        record(entry);
        if (imageDigest) sums_.correct(*imageDigest);
    }
    turn();
}

}  // namespace litestream::engine
