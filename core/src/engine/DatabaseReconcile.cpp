#include "engine/Database.h"

#include "engine/Encoding.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <boost/asio/post.hpp>

#include <utility>

/// Lost continuity: the pages that differ become the next TXID.
namespace litestream::engine {

namespace {

using SteadyClock = std::chrono::steady_clock;

/// Reading a whole database takes its time: a stop does not wait for the end.
class CancellableImage final : public Image {
public:
    CancellableImage(std::unique_ptr<Image> image, CancellationToken token) : image_(std::move(image)), token_(std::move(token)) {}

    std::uint32_t pageSize() const noexcept override { return image_->pageSize(); }
    std::uint32_t pageCount() const noexcept override { return image_->pageCount(); }
    Position position() const noexcept override { return image_->position(); }
    void read(PageNumber first, MutableBytes into) override {
        if (token_.cancelled()) throw Error(ErrorCode::Cancelled, "read the database: stopped");
        image_->read(first, into);
    }

private:
    const std::unique_ptr<Image> image_;
    const CancellationToken token_;
};

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
        image = std::make_shared<CancellableImage>(source_->image(), surveys_.token());
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
    if (!failure.empty() && cancelled_) return;
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
