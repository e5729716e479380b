#include "engine/Database.h"

#include "engine/ImageEncoder.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>
#include <utility>

/// Keeping each replica current: queues, seeds, acknowledgements, and who waits for them.
namespace litestream::engine {

namespace {

using SteadyClock = std::chrono::steady_clock;

/// Encoded data that may wait in memory for one database before it goes to its spool.
constexpr std::uint64_t kWaitingInMemory = 16u << 20;

}  // namespace

void Database::noteFailure(Replica& replica, const Error& error, std::chrono::milliseconds wait) {
    // Every failed call comes here, an upload's or a survey's: the one place that decides what the log shows of it.
    constexpr auto kErrorLogInterval = std::chrono::seconds(30);
    const auto now = SteadyClock::now();
    ++replica.failures;
    replica.failedAt = now;
    replica.lastError = error.what();
    replica.lastErrorCode = error.code();
    const bool loud = !replica.lastErrorLogged || now - *replica.lastErrorLogged >= kErrorLogInterval;
    if (loud) replica.lastErrorLogged = now;
    log::write(loud ? log::Level::Error : log::Level::Debug, "monitor error",
               {{"db", options_.path.string()}, {"replica", replica.name}, {"error", error.what()},
                {"consecutive_errors", replica.failures}, {"backoff", wait}});
}

std::chrono::milliseconds Database::waitAfter(const Replica& replica, const Error& error) const {
    const auto& policy = services_.limits.retry;
    const auto wait = policy.betweenCalls(error, replica.failures + 1, transport::systemTiming().random());
    return inHurry() ? policy.hurried(error, wait, services_.limits.hurriedWait) : wait;
}

void Database::noteRecovery(Replica& replica) {
    replica.workedAt = SteadyClock::now();
    if (replica.failures == 0) return;
    log::info("replica sync recovered",
              {{"db", options_.path.string()}, {"replica", replica.name}, {"previous_errors", replica.failures}});
    replica.failures = 0;
    replica.lastError.clear();
    // Whoever has read that it works again hears at once that it does not.
    replica.lastErrorLogged.reset();
}

void Database::hurryReplicas() {
    // What waits after a failure is tried now.
    const auto now = SteadyClock::now();
    for (auto& replica : replicas_) {
        replica.uploader->hurry(services_.limits.hurriedWait);
        replica.seedNotBefore = std::min(replica.seedNotBefore, now);
        if (replica.surveyAgainAt) replica.surveyAgainAt = std::min(*replica.surveyAgainAt, now);
    }
}

void Database::enqueue(Replica& replica, const std::shared_ptr<Payload>& payload) {
    const auto& identity = payload->identity();
    const bool wanted = (replica.state == Replica::State::Following && identity.txid > replica.acknowledged) ||
                        (replica.state == Replica::State::Seeding && identity.txid > replica.seed);
    if (!wanted) return;
    replica.uploader->enqueue({{replica::kLevel0, {identity.txid, identity.txid}}, identity.timestamp, attributes_, payload});
}

void Database::admit(const std::shared_ptr<Payload>& payload) {
    unsent_.push_back(payload);
    if (payload->spooled()) sums_.durable(payload);
    for (auto& replica : replicas_) enqueue(replica, payload);
    limitUnsent();
    releaseUnneeded();
}

bool Database::anyFailing() const {
    return std::any_of(replicas_.begin(), replicas_.end(), [](const auto& replica) {
        return replica.failures > 0 || replica.state == Replica::State::Unknown;
    });
}

void Database::limitUnsent() {
    limitMemory();
    limitSpool();  // what has just left the memory counts
}

void Database::limitMemory() {
    std::uint64_t waiting = 0;
    if (unsent_.empty()) {
        spoolFailing_ = false;
        return;
    }
    for (const auto& payload : unsent_) waiting += payload->inMemory() ? payload->size() : 0;
    if (waiting <= kWaitingInMemory && !anyFailing()) {
        spoolFailing_ = false;
        return;
    }
    try {
        for (const auto& payload : unsent_) {
            if (!payload->inMemory()) continue;
            payload->persist();
            sums_.durable(payload);
        }
        spoolFailing_ = false;
    } catch (const Error& error) {
        // The data stays in memory; beyond the limit capturing pauses and the log keeps the rest.
        spoolFailing_ = waiting > kWaitingInMemory;
        if (SteadyClock::now() - spoolErrorLogged_ > std::chrono::minutes(1)) {
            spoolErrorLogged_ = SteadyClock::now();
            log::error("cannot spool unsent data", {{"db", options_.path.string()}, {"error", error.what()}});
        }
        armTimer(SteadyClock::now() + std::chrono::seconds(1));
    }
}

void Database::limitSpool() {
    std::uint64_t spooled = 0;
    for (const auto& payload : unsent_) spooled += payload->spooled() ? payload->size() : 0;
    while (spooled > services_.limits.spoolBytes) {
        Replica* slowest = nullptr;
        for (auto& replica : replicas_) {
            const bool holds = replica.state == Replica::State::Following || replica.state == Replica::State::Seeding ||
                               (replica.state == Replica::State::Unknown && !replica.abandoned);
            if (holds && (slowest == nullptr || replica.acknowledged < slowest->acknowledged)) slowest = &replica;
        }
        if (slowest == nullptr) return;
        if (slowest->state == Replica::State::Unknown) {
            if (std::exchange(slowest->abandoned, true)) return;
        } else {
            demote(*slowest, "more unsent data than the spool may hold");
        }
        releaseUnneeded();
        spooled = 0;
        for (const auto& payload : unsent_) spooled += payload->spooled() ? payload->size() : 0;
    }
}

void Database::settleSums() {
    // A comparison needs the sums of the newest cut: what is not durable yet becomes so now.
    try {
        for (const auto& payload : unsent_) {
            if (payload->inMemory()) payload->persist();
            sums_.durable(payload);
        }
    } catch (const Error& error) {
        log::debug("sums not settled", {{"db", options_.path.string()}, {"reason", error.what()}});
    }
}

void Database::demote(Replica& replica, const std::string& reason) {
    log::warn("replica needs a new snapshot", {{"db", options_.path.string()}, {"replica", replica.name}, {"reason", reason}});
    needSeed(replica, std::chrono::milliseconds(0));
}

void Database::needSeed(Replica& replica, std::chrono::milliseconds wait) {
    replica.uploader->clear();
    sums_.end(std::exchange(replica.seedSums, nullptr), false);
    replica.state = Replica::State::NeedsSeed;
    replica.seedNotBefore = SteadyClock::now() + wait;
    armTimer(replica.seedNotBefore);
}

bool Database::needed(const Payload& payload) const {
    const Txid txid = payload.identity().txid;
    return std::any_of(replicas_.begin(), replicas_.end(), [&](const auto& replica) {
        switch (replica.state) {
            case Replica::State::Unknown: return !replica.abandoned;
            case Replica::State::Following: return replica.acknowledged < txid;
            case Replica::State::Seeding: return replica.seed < txid;
            default: return false;
        }
    });
}

void Database::releaseUnneeded() {
    while (!unsent_.empty() && !needed(*unsent_.front())) {
        unsent_.front()->discard();
        unsent_.pop_front();
    }
}

bool Database::seedWanted() const {
    if (state_ != State::Tracking || reconciling_ || selfChecking_ || !txid_) return false;
    bool wanted = false;
    for (const auto& replica : replicas_) {
        if (replica.state == Replica::State::Seeding) return false;  // one image at a time
        wanted = wanted || seedDue(replica);
    }
    return wanted;
}

bool Database::seedDue(const Replica& replica) const {
    return replica.state == Replica::State::NeedsSeed && replica.seedNotBefore <= SteadyClock::now() && replica.seedBehind < txid_;
}

void Database::startSeed() {
    if (!seedWanted() || !caughtUp_ || (batch_ && !batch_->empty())) return;
    // Everything captured belongs to txid_, so an image of the captured position is the snapshot 1..txid_.
    const auto now = SteadyClock::now();
    const auto chosen = std::find_if(replicas_.begin(), replicas_.end(), [&](const auto& replica) { return seedDue(replica); });
    std::unique_ptr<Image> image;
    try {
        image = source_->image();
    } catch (const Error& error) {
        log::debug("snapshot postponed", {{"db", options_.path.string()}, {"reason", error.what()}});
        armTimer(now + std::chrono::milliseconds(5));
        return;
    }
    if (!(image->position() == position_)) {
        log::warn("snapshot is not of the captured state", {{"db", options_.path.string()}});
        lost("image at another position");
        return;
    }
    const ltx::Header head = header(Txid{1}, txid_);
    const auto digest = std::make_shared<std::uint64_t>(ltx::kEmptyDigest);
    chosen->seedDigest = digest;
    // Cuts that no replica wanted were not added to the sums: the image is read whole anyway.
    const bool broken = sums_.txid() && sums_.txid() != txid_ && (unsent_.empty() || unsent_.front()->identity().txid > sums_.txid().next());
    if (broken) sums_.distrust();
    chosen->seedExpected = sums_.txid() == txid_ ? sums_.digest() : std::nullopt;
    chosen->seedSums = sums_.build(txid_, commit_);
    const ImageEncoder::Sums sums = [build = chosen->seedSums, digest](PageNumber first, std::span<const std::uint64_t> run) {
        *digest = ltx::addToDigest(first == 1 ? ltx::kEmptyDigest : *digest, run);
        if (build) build->write(first, run);
    };
    chosen->state = Replica::State::Seeding;
    chosen->seed = txid_;
    auto content = std::make_shared<ImageContent>(std::move(image), head, codec_, services_.workers, sums, meta_.directory);
    chosen->uploader->enqueue({{replica::kSnapshotLevel, {Txid{1}, txid_}}, head.timestamp, attributes_, std::move(content), false});
    for (const auto& payload : unsent_) enqueue(*chosen, payload);
}

void Database::stored(std::size_t index, const replica::Upload& upload, std::uint64_t bytes) {
    Replica& replica = replicas_[index];
    const Txid txid = upload.file.range.max;
    const bool seed = upload.file.level == replica::kSnapshotLevel;
    // An upload that ended while its replica was demoted has nothing to say any more.
    const bool current = seed ? replica.state == Replica::State::Seeding && replica.seed == txid : replica.state == Replica::State::Following;
    if (current) {
        if (seed) sums_.end(std::exchange(replica.seedSums, nullptr), true);
        for (const auto& payload : unsent_) {
            if (payload->identity().txid <= txid) sums_.durable(payload);
        }
    }
    replica.keeper->stored({upload.file, bytes, upload.timestamp}, evidenceOf(replica, upload, current));
    if (!current) return;
    log::debug("ltx file uploaded", {{"db", options_.path.string()}, {"replica", replica.name},
                                     {"level", upload.file.level.value}, {"txid", ltx::format(txid)}});
    noteRecovery(replica);
    replica.acknowledged = std::max(replica.acknowledged, txid);
    if (seed) {
        replica.state = Replica::State::Following;
        // Level 0 must not stay behind beside a snapshot: upstream would go on from where it ends.
        if (txid_ == txid) anchorWanted_ = true;
    }
    releaseUnneeded();
    limitUnsent();
    settleWaiters();
    if (seed && replica.seedExpected && !captureMatches(txid, *replica.seedExpected, *replica.seedDigest)) return;
    if (anchorWanted_ || seedWanted() || heldBack_) {
        turn();
    } else {
        tendLevels();
    }
}

std::size_t Database::unsentToTheQuickest() const {
    std::optional<Txid> furthest;
    for (const auto& replica : replicas_) {
        if (replica.state == Replica::State::Following) furthest = std::max(furthest, std::optional(replica.acknowledged));
        if (replica.state == Replica::State::Seeding) furthest = std::max(furthest, std::optional(replica.seed));
    }
    if (!furthest || unsent_.empty()) return 0;
    const Txid newest = unsent_.back()->identity().txid;
    return newest > *furthest ? newest.value - furthest->value : 0;
}

void Database::failed(std::size_t index, const replica::Upload& upload, const Error& error, std::chrono::milliseconds wait) {
    Replica& replica = replicas_[index];
    const bool seed = !upload.persistent;
    if (seed ? replica.state != Replica::State::Seeding || replica.seed != upload.file.range.max
             : replica.state != Replica::State::Following) {
        return;
    }
    // A seed is always in its first call: its patience grows here.
    if (seed) wait = waitAfter(replica, error);
    noteFailure(replica, error, wait);
    if (seed) {
        needSeed(replica, wait);
        releaseUnneeded();
    } else {
        const auto payload = std::find_if(unsent_.begin(), unsent_.end(),
                                          [&](const auto& one) { return one->identity().txid == upload.file.range.max; });
        if (payload != unsent_.end() && (*payload)->gone()) {
            // No further attempt finds it again. A snapshot of the database bridges it.
            demote(replica, "the spool file of TXID " + ltx::format(upload.file.range.max) + " is gone");
            releaseUnneeded();
        }
        limitUnsent();
    }
    settleWaiters();
}

/// A request that a process before us had on its way when it died may arrive after we have looked. The file then has a name that we have given to another one,
/// and the checksum that the journal has of it.
bool Database::metItsPredecessor(const Replica& replica) const {
    return replica.met && std::any_of(unseen_.begin(), unseen_.end(), [&](const auto& record) {
        return record.txid == replica.met->file.id.range.max && record.fileChecksum != 0 && record.fileChecksum == replica.met->checksum;
    });
}

/// What that file holds was true, so it stays. What we made of the same TXID never gets there: a snapshot from behind it goes on, and nothing is merged over the hole.
void Database::passItsPredecessor(std::size_t index) {
    Replica& replica = replicas_[index];
    const auto met = *std::exchange(replica.met, std::nullopt);
    replica.keeper->stored(met.file, {met.checksum, std::nullopt});
    replica.uploader = makeUploader(index);
    replica.seedBehind = met.file.id.range.max;
    demote(replica, "TXID " + ltx::format(replica.seedBehind) + " of the process before this one arrived late");
    // Without a commit there would be nothing behind it.
    if (txid_ == replica.seedBehind) anchorWanted_ = true;
    releaseUnneeded();
    turn();
}

void Database::stopped(std::size_t index, const std::string& reason) {
    Replica& replica = replicas_[index];
    if (metItsPredecessor(replica)) {
        passItsPredecessor(index);
        return;
    }
    sums_.end(std::exchange(replica.seedSums, nullptr), false);
    replica.state = Replica::State::Stopped;
    replica.lastError = reason;
    log::error("replica stopped: another writer uses it",
               {{"db", options_.path.string()}, {"replica", replica.name}, {"error", reason}});
    releaseUnneeded();
    settleWaiters();
}

}  // namespace litestream::engine
