#include "levels/Keeper.h"

#include "levels/ReadWhole.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>
#include <set>

namespace litestream::levels {

namespace {

/// After files that may not be deleted: somebody forbids it, and that does not change soon.
constexpr auto kLongestDeletionWait = std::chrono::hours(1);

/// For one request that deletes.
constexpr std::size_t kMostDeletions = 1000;
constexpr auto kDeletionRequest = std::chrono::seconds(60);

}  // namespace

std::optional<Clock::time_point> Keeper::Pace::next() const {
    if (dirty) return notBefore;
    if (!at) return std::nullopt;
    return std::max(*at, notBefore);
}

void Keeper::Pace::failed(Clock::time_point now, Clock::duration first, Clock::duration longest) {
    dirty = true;
    notBefore = now + std::min(first * (1u << std::min(failures++, 12u)), longest);
}

Keeper::Keeper(Setup setup) : setup_(std::move(setup)), ledger_(setup_.inventoryFile, {setup_.now, setup_.wall}) {}

void Keeper::attach(std::span<const replica::FileInfo> listing, Timestamp wallNow) {
    findings_ = ledger_.open(listing, setup_.store->capabilities().listsTimestamp, wallNow);
    jobs_ = deletions_ = audit_ = {};
    audit_.at = nextAudit(setup_.now());
    mending_ = Mending::Nothing;
    repairs_ = Pace::quiet();
    scheduleProofs();
}

void Keeper::adopt(std::span<const replica::FileInfo> listing, Timestamp wallNow) {
    ledger_.begin(listing, setup_.store->capabilities().listsTimestamp, wallNow);
    findings_.clear();
}

void Keeper::stored(const replica::FileInfo& file, const Evidence& evidence) {
    const auto now = setup_.now();
    ledger_.add({file, now, now, true, evidence, seenAfterPut(file)});
    if (changed_) changed_->insert(file.id);
    jobs_.dirty = true;
    if (file.id.level == replica::kSnapshotLevel) seeded();
    // A level-0 file takes nothing's place, so nothing has become superfluous.
    if (file.id.level != replica::kLevel0) deletions_.dirty = true;
}

std::optional<Timestamp> Keeper::seenAfterPut(const replica::FileInfo& file) const {
    if (!setup_.store->capabilities().listsTimestamp) return std::nullopt;
    return file.timestamp;
}

std::optional<Clock::time_point> Keeper::turn(const FileAttributes& attributes) {
    if (busy_) return std::nullopt;
    const auto now = setup_.now();
    if (audit_.due(now) && startAudit(attributes)) return std::nullopt;
    if (!findings_.empty()) return audit_.next();
    if (repairs_.due(now)) repair();
    // In turn: merges that take longer than their interval are always due, and would keep the others from theirs.
    for (unsigned i = 0; i < kKinds; ++i) {
        lastKind_ = (lastKind_ + 1) % kKinds;
        if (startKind(lastKind_, now, attributes)) return std::nullopt;
    }
    return earliest({audit_.next(), jobs_.next(), deletions_.next(), repairs_.next(), validations_.next(), trials_.next()});
}

bool Keeper::startKind(unsigned kind, Clock::time_point now, const FileAttributes& attributes) {
    switch (kind) {
        case 0: return jobs_.due(now) && startJob(attributes);
        case 1: return deletions_.due(now) && startDeletion();
        case 2: return validations_.due(now) && startValidation();
        default: return trials_.due(now) && startTrial();
    }
}

std::optional<Clock::time_point> Keeper::earliest(std::initializer_list<std::optional<Clock::time_point>> times) {
    std::optional<Clock::time_point> first;
    for (const auto& time : times) {
        if (time && (!first || *time < *first)) first = time;
    }
    return first;
}

void Keeper::run(Action work, std::function<void(const Failure&)> done) {
    busy_ = true;
    setup_.background([self = shared_from_this(), work = std::move(work), done = std::move(done)] {
        Failure failure;
        try {
            work();
        } catch (const InputError& error) {
            failure = {error, error.input(), std::nullopt};
        } catch (const DigestError& error) {
            failure = {error, std::nullopt, error};
        } catch (const Error& error) {
            failure = {error, std::nullopt, std::nullopt};
        } catch (const std::exception& error) {
            failure = {Error(ErrorCode::Transient, error.what()), std::nullopt, std::nullopt};
        }
        self->setup_.onStrand([self, done, failure] {
            self->busy_ = false;
            if (self->cancellation_.token().cancelled()) return;
            done(failure);
            self->setup_.ended();
        });
    });
}

bool Keeper::startJob(const FileAttributes& attributes) {
    const auto now = setup_.now();
    NextJob next = nextJob(inventory_, setup_.settings, now);
    jobs_.dirty = false;
    jobs_.at = next.at;
    // What would be merged now does not match.
    if (next.job && next.job->snapshot() && repairing()) next.job.reset();
    if (!next.job) return false;
    if (next.job->fromDatabase()) {
        if (!setup_.needsDatabase("the history up to TXID " + ltx::format(next.job->output.range.max) + " cannot be merged into a snapshot")) {
            jobs_.dirty = true;
            jobs_.notBefore = now + kFirstWait;
        }
        return false;
    }
    ledger_.begun(next.job->output);
    next.job->replaces = unsound_.contains(next.job->output);
    start(
        [this, job = *next.job, expected = expectedOf(inventory_, next.job->inputs), attributes, slowness = slowness_] {
            return Compactor(*setup_.store, setup_.codecs, *setup_.codec, attributes, cancellation_.token(), setup_.scratch)
                .run(job, expected, slowness);
        },
        [this, job = *next.job](const Compacted& made, const Failure& failure) { merged(job, made, failure); });
    return true;
}

void Keeper::merged(const Job& job, const Compacted& made, const Failure& failure) {
    const auto now = setup_.now();
    if (!failure.error) {
        unsound_.erase(job.output);
        const HeldFile* last = inventory_.find(job.inputs.back().id);
        Evidence evidence{made.fileChecksum, std::nullopt};
        if (last != nullptr) evidence.digest = last->evidence.digest;
        ledger_.add({made.file, last != nullptr ? last->content : now, now, true, evidence, seenAfterPut(made.file)});
        learn(job.inputs, made.inputChecksums);
        if (made.digest) proven(job.output, *made.digest);
        jobs_ = {};
        slowness_ = 0;
        deletions_.dirty = true;
        log::info(job.snapshot() ? "snapshot complete" : "compaction complete",
                  {{"db", setup_.database}, {"replica", setup_.replica}, {"level", job.output.level.value},
                   {"txid.min", ltx::format(job.output.range.min)}, {"txid.max", ltx::format(job.output.range.max)}, {"size", made.file.size}});
        return;
    }
    if (failure.mismatch) {
        mismatched(job.inputs, job.output.range.max, *failure.mismatch);
        return;
    }
    // Nobody asked to stop, so it was the deadline: a slow or stalled store.
    if (failure.error->code() == ErrorCode::Cancelled) ++slowness_;
    jobs_.failed(now, kFirstWait, kLongestWait);
    log::error("compaction failed", {{"db", setup_.database}, {"replica", setup_.replica}, {"level", job.output.level.value},
                                     {"error", failure.error->what()}, {"backoff", jobs_.notBefore - now}});
    if (failure.culprit) {
        damaged(*failure.culprit, *failure.error);
    } else if (failure.error->code() == ErrorCode::Conflict) {
        setup_.conflict(failure.error->what());
    }
}

void Keeper::damaged(const replica::FileId& file, const Error& error) {
    if (!isLost(error)) return;
    const HeldFile* held = inventory_.find(file);
    if (held == nullptr) return;
    findings_.push_back({error.code() == ErrorCode::NotFound ? Trouble::Missing : Trouble::Touched, held->info});
    audit_.dirty = true;
}

bool Keeper::enforceRetention() {
    if (deletionFailure_) throw *std::exchange(deletionFailure_, std::nullopt);
    if (busy_) return false;
    deletions_.notBefore = {};
    return !startDeletion();
}

bool Keeper::startDeletion() {
    deletionFailure_.reset();
    Deletions next = deletable(inventory_, setup_.settings, setup_.now());
    deletions_.dirty = false;
    deletions_.at = next.at;
    if (next.files.empty()) return false;
    if (next.files.size() > kMostDeletions) next.files.resize(kMostDeletions);
    ledger_.leaving(next.files);
    start(
        [this, next] {
            Compactor reader(*setup_.store, setup_.codecs, *setup_.codec, {}, cancellation_.token());
            for (const auto& file : next.relies) {
                try {
                    reader.check(file);
                } catch (const Error& error) {
                    throw InputError(file.id, error);
                }
            }
            return setup_.store->remove(next.files, CallContext::within(kDeletionRequest, cancellation_.token()));
        },
        [this, next](std::span<const replica::ReplicaStore::Unremoved> left, const Failure& failure) { deleted(next, left, failure); });
    return true;
}

void Keeper::deleted(const Deletions& deletions, std::span<const replica::ReplicaStore::Unremoved> left, const Failure& failure) {
    const auto now = setup_.now();
    if (failure.error) deletionFailure_ = failure.error;
    if (!left.empty()) deletionFailure_.emplace(ErrorCode::Denied, left.front().reason);
    if (failure.culprit) {
        deletions_.failed(now, setup_.settings.checkInterval, kLongestDeletionWait);
        damaged(*failure.culprit, *failure.error);
        return;
    }
    if (failure.error || !left.empty()) {
        // Said once: without the permission to delete everything else goes on.
        const bool first = deletions_.failures == 0;
        log::write(first ? log::Level::Warn : log::Level::Debug, "retention enforcement failed",
                   {{"db", setup_.database}, {"replica", setup_.replica}, {"files", failure.error ? deletions.files.size() : left.size()},
                    {"error", failure.error ? std::string(failure.error->what()) : left.front().reason}});
        deletions_.failed(now, setup_.settings.checkInterval, kLongestDeletionWait);
    }
    if (failure.error) return;
    for (const auto& file : deletions.relies) ledger_.verified(file.id);
    std::set<replica::FileId> kept;
    for (const auto& one : left) kept.insert(one.file);
    std::size_t count = 0;
    for (const auto& file : deletions.files) {
        if (kept.contains(file)) continue;
        ledger_.remove(file);
        ++count;
    }
    if (count > 0) {
        log::info("retention enforced", {{"db", setup_.database}, {"replica", setup_.replica}, {"deleted_count", count}});
    }
    if (!left.empty()) return;
    deletions_.failures = 0;
    deletions_.dirty = true;
    deletions_.notBefore = now + setup_.settings.checkInterval;
}

}  // namespace litestream::levels
