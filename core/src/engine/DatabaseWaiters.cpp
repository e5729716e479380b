#include "engine/Database.h"

#include "ltx/Format.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>
#include <utility>

/// Who waits for what, and when a wait ends.
namespace litestream::engine {

namespace {

using SteadyClock = std::chrono::steady_clock;

const char* describe(Aim aim) {
    switch (aim) {
        case Aim::Snapshots: return "snapshot ";
        case Aim::Retention: return "enforce retention for ";
        default: return "sync replica for ";
    }
}

bool isEmpty(const std::filesystem::path& database) {
    std::error_code error;
    const auto size = std::filesystem::file_size(database, error);
    return error || size == 0;
}

}  // namespace

void Database::settleWaiters() {
    std::vector<Waiter> open;
    for (auto& waiter : std::exchange(waiters_, {})) {
        if (settled(waiter)) {
            waiter.done(waiter.failure);
        } else {
            open.push_back(std::move(waiter));
        }
    }
    waiters_.insert(waiters_.end(), std::make_move_iterator(open.begin()), std::make_move_iterator(open.end()));
}

bool Database::settled(Waiter& waiter) {
    findTarget(waiter);
    if (!waiter.target) {
        waiter.failure = databaseFailure(waiter);
        return waiter.failure.has_value();
    }
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
        if (waiter.over.contains(i)) continue;
        std::optional<Error> failure;
        try {
            if (!reached(i, waiter)) {
                failure = givenUp(replicas_[i], waiter);
                if (!failure) continue;
            }
        } catch (const Error& error) {
            failure = error;
        }
        waiter.over.insert(i);
        if (failure && !waiter.failure) waiter.failure = replicaFailure(replicas_[i], waiter, *failure);
    }
    return waiter.over.size() == replicas_.size();
}

Error Database::replicaFailure(const Replica& replica, const Waiter& waiter, const Error& error) const {
    std::string context = describe(waiter.aim) + options_.path.string() + ": ";
    if (replicas_.size() > 1) context += replica.name + ": ";
    return {error.code(), context + error.what()};
}

void Database::findTarget(Waiter& waiter) const {
    // Who waits for everything waits for the anchor, too; not who wants a snapshot, for it may bring pages of its own, and would make that one an old one.
    if (anchorWanted_ && waiter.aim == Aim::Synced && waiter.target == txid_) {
        waiter.target.reset();
        // What was found out about the replicas was about the former target.
        waiter.over.clear();
        waiter.failure.reset();
    }
    if (waiter.target) return;
    const bool nothingOpen = caughtUp_ && (!batch_ || batch_->empty()) && !reconciling_ && !anchorWanted_;
    // No database at the end: what there was has been cut, or there never was anything.
    const bool gone = state_ == State::Detached && closing_ && !encoding_ && isEmpty(options_.path);
    if (gone || (state_ == State::Tracking && nothingOpen)) waiter.target = txid_;
}

std::optional<Error> Database::databaseFailure(const Waiter& waiter) {
    const auto failure = [&](ErrorCode code, const std::string& reason) {
        return Error(code, "sync database " + options_.path.string() + ": " + reason);
    };
    const bool idle = state_ == State::Detached && !encoding_ && !contactBegunAt_;
    if (idle && SteadyClock::now() < attachNotBefore_) return std::nullopt;  // it is being replaced
    // One that is there but cannot be followed.
    if (idle && closing_) return failure(ErrorCode::Transient, stateReason_);
    if (!waiter.patience) return std::nullopt;
    if (refused_ && (idle || state_ == State::Surveying)) return failure(ErrorCode::Transient, stateReason_);
    if (idle && isEmpty(options_.path)) {
        return Error(ErrorCode::NotFound, describe(waiter.aim) + options_.path.string() + ": no position, waiting for data");
    }
    if (state_ == State::Surveying || spoolFailing_) {
        // It cannot begin before one of them answers, or go on before one of them takes what there is no other place for.
        std::optional<Error> first;
        for (const auto& replica : replicas_) {
            if (replica.state == Replica::State::Following && replica.acknowledged >= txid_) continue;
            const auto reason = givenUp(replica, waiter);
            if (!reason) return std::nullopt;
            if (!first) first = replicaFailure(replica, waiter, *reason);
        }
        return first;
    }
    if (!idle && state_ != State::Lost) return std::nullopt;
    const auto end = waiter.begun + *waiter.patience;
    if (SteadyClock::now() >= end) return failure(ErrorCode::Transient, stateReason_);
    armTimer(end);
    return std::nullopt;
}

bool Database::reached(std::size_t index, Waiter& waiter) {
    Replica& replica = replicas_[index];
    const Txid target = *waiter.target;
    if (!target) return true;  // there is no database
    if (replica.state != Replica::State::Following || replica.acknowledged < target) return false;
    if (waiter.aim == Aim::Retention) return replica.keeper->enforceRetention();
    if (waiter.aim == Aim::Synced) return true;
    const bool has = hasSnapshot(replica, target);
    if (has) {
        log::info(waiter.asked.contains(index) ? "snapshot complete" : "snapshot is up to date",
                  {{"db", options_.path.string()}, {"replica", replica.name}, {"txid", ltx::format(target)}});
    }
    if (has || !atRest(replica)) return has;
    waiter.asked.insert(index);
    needSeed(replica, std::chrono::milliseconds(0));
    return false;
}

bool Database::hasSnapshot(const Replica& replica, Txid txid) const {
    const auto& inventory = replica.keeper->inventory();
    const auto* newest = inventory.newestSnapshot();
    if (newest == nullptr) return false;
    // Files without pages behind it say that nothing has changed since.
    for (Txid next = newest->info.id.range.max.next(); next <= txid; next = next.next()) {
        const auto* file = inventory.find({replica::kLevel0, {next, next}});
        if (file == nullptr || file->info.size != ltx::kPagelessSize) return false;
    }
    return true;
}

std::optional<Error> Database::givenUp(const Replica& replica, const Waiter& waiter) {
    if (replica.state == Replica::State::Stopped) return Error(ErrorCode::Conflict, replica.lastError);
    if (!waiter.patience || replica.failures == 0 || replica.failedAt < waiter.begun) return std::nullopt;
    const Error error(replica.lastErrorCode, replica.lastError);
    const bool heals = transport::RetryPolicy::heals(replica.lastErrorCode) || replica.lastErrorCode == ErrorCode::DiskFull;
    const auto end = replica.workedAt + *waiter.patience;
    if (!heals || SteadyClock::now() >= end) return error;
    armTimer(end);
    return std::nullopt;
}

}  // namespace litestream::engine
