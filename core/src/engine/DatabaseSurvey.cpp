#include "engine/Database.h"

#include "util/Log.h"

#include <litestream/Error.h>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <random>

/// Looking at the replicas at the start, and deciding whose they are.
namespace litestream::engine {

namespace {

using SteadyClock = std::chrono::steady_clock;

/// For each request of the first survey of a replica; after failures it is longer, up to a minute: perhaps the store is only slow.
constexpr auto kSurveyRequest = std::chrono::seconds(5);
constexpr unsigned kMostSurveyRequests = 12;

std::uint64_t newLineage() {
    std::random_device device;
    std::uint64_t lineage = 0;
    while (lineage == 0) lineage = (std::uint64_t{device()} << 32) | device();
    return lineage;
}

}  // namespace

void Database::surveyReplica(std::size_t index) {
    const auto limit = kSurveyRequest * std::min(1 + replicas_[index].failures, kMostSurveyRequests);
    boost::asio::post(services_.io, [self = shared_from_this(), index, store = replicas_[index].store, limit] {
        std::optional<replica::Survey> survey;
        std::optional<Error> error;
        if (self->cancelled_) return;
        try {
            survey = replica::survey(*store, limit, self->surveys_.token());
        } catch (const Error& failure) {
            // Nobody asked to stop, so it was the deadline: a slow or stalled store.
            const bool timeout = failure.code() == ErrorCode::Cancelled;
            error = timeout ? Error(ErrorCode::Transient, failure.what()) : failure;
        } catch (const std::exception& failure) {
            error = Error(ErrorCode::Transient, failure.what());
        }
        self->post([=](Database& database) { database.surveyed(index, survey, error); });
    });
}

void Database::surveyed(std::size_t index, std::optional<replica::Survey> survey, const std::optional<Error>& error) {
    if (state_ == State::Closed) return;
    Replica& replica = replicas_[index];
    replica.surveyConcluded = true;
    replica.survey = std::move(survey);
    if (replica.survey) {
        replica.keeper->attach(replica.survey->files, services_.clock->now());
        tellDigest(replica);
        noteRecovery(replica);
    } else {
        const auto wait = waitAfter(replica, *error);
        noteFailure(replica, *error, wait);
        replica.surveyAgainAt = SteadyClock::now() + wait;
        armTimer(*replica.surveyAgainAt);
    }
    if (establishing_) {
        replica.late = true;
        return;
    }
    if (state_ != State::Surveying) {
        if (replica.survey && replica.state == Replica::State::Unknown) lateReplica(replica);
        turn();
        return;
    }
    if (std::all_of(replicas_.begin(), replicas_.end(), [](const auto& r) { return r.surveyConcluded; })) establish();
    settleWaiters();
}

void Database::retrySurveys() {
    const auto now = SteadyClock::now();
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
        Replica& replica = replicas_[i];
        if (!replica.surveyAgainAt) continue;
        if (*replica.surveyAgainAt > now) {
            armTimer(*replica.surveyAgainAt);
            continue;
        }
        replica.surveyAgainAt.reset();
        replica.surveyConcluded = false;
        surveyReplica(i);
    }
}

Database::Kinship Database::kinship(const replica::Survey& survey, const PositionJournal::Contents& journal) const {
    if (!survey.newest) return Kinship::Ours;
    if (survey.nodeId == 0 || survey.nodeId != journal.lineage) return Kinship::Foreign;
    if (journal.records.empty() || survey.newest > journal.records.back().txid) return Kinship::Foreign;
    const JournalRecord* entry = journal.find(survey.newest);
    if (entry == nullptr) return Kinship::SameLineage;
    // A snapshot has no checksum to compare: it is ours when nothing else can have that TXID.
    if (!survey.levelZeroChecksum || entry->fileChecksum == 0) return Kinship::Ours;
    return entry->fileChecksum == *survey.levelZeroChecksum ? Kinship::Ours : Kinship::Foreign;
}

void Database::establish() {
    const auto journal = journal_.load();
    bool foreign = false;
    for (auto& replica : replicas_) {
        const Kinship kin = replica.survey ? kinship(*replica.survey, journal) : Kinship::Ours;
        foreign = foreign || kin == Kinship::Foreign;
        replica.doubtful = kin == Kinship::SameLineage;
    }
    if (foreign) {
        adopt();
        return;
    }
    const bool reached =
        std::any_of(replicas_.begin(), replicas_.end(), [](const auto& replica) { return replica.survey.has_value(); });
    if (journal.lineage == 0 && !reached) return;  // nothing local to lose: wait until a replica can be seen
    if (journal.lineage != 0) {
        lineage_ = journal.lineage;
        takeUp(journal);
        return;
    }
    lineage_ = newLineage();
    journal_.reset({lineage_, {}});
    sums_.distrust();
    establishing_ = true;
    repairSums();
}

void Database::established() {
    establishing_ = false;
    if (state_ == State::Closed) return;
    for (auto& replica : replicas_) {
        if (!replica.survey) continue;
        if (replica.late) {
            lateReplica(replica);
        } else {
            placeReplica(replica);
        }
    }
    scheduleSelfCheck();
    releaseUnneeded();
    state_ = State::Detached;
    attach();
    turn();
}

void Database::adopt() {
    // Somebody else wrote last: upstream, or a process of ours whose local state is gone. If it still writes, we must not.
    Txid newest;
    Timestamp youngest;
    for (const auto& replica : replicas_) {
        if (!replica.survey) continue;
        newest = std::max(newest, replica.survey->newest);
        youngest = std::max(youngest, replica.survey->newestTimestamp);
    }
    const auto interval = options_.syncInterval.value_or(std::chrono::seconds(1));
    const auto quiet = std::chrono::duration_cast<std::chrono::milliseconds>(2 * interval);
    // A writer whose clock is ahead looks as if it had written in the future: that, too, is "just now".
    const std::int64_t age = std::max<std::int64_t>(0, services_.clock->now().milliseconds - youngest.milliseconds);
    const bool quietSeen = foreignNewest_ && *foreignNewest_ == newest;
    if (foreignNewest_ && *foreignNewest_ != newest && !options_.takeover) {
        refuse(Error(ErrorCode::Conflict, "another process is writing to the replica (TXID " + ltx::format(newest) +
                                              " is new). Stop it first, or give this database a replica of its own"));
        surveyAllIn(std::chrono::seconds(10));
    } else if (age < quiet.count() && !quietSeen && !options_.takeover) {
        log::info("waiting for the replica to be quiet before adopting it",
                  {{"db", options_.path.string()}, {"txid", ltx::format(newest)}, {"wait", quiet}});
        surveyAllIn(quiet - std::chrono::milliseconds(age));
    } else {
        log::info("adopting replica", {{"db", options_.path.string()}, {"txid", ltx::format(newest)}});
        lineage_ = newLineage();
        journal_.reset({lineage_, {}});
        sums_.distrust();
        std::error_code ignored;
        std::filesystem::remove_all(meta_.spool(), ignored);
        txid_ = newest;
        provable_.reset();
        foreignNewest_.reset();
        for (auto& replica : replicas_) {
            replica.doubtful = false;  // its content is compared whole anyway
            if (replica.survey) replica.keeper->adopt(replica.survey->files, services_.clock->now());
        }
        established();
        return;
    }
    foreignNewest_ = newest;
}

void Database::surveyAllIn(std::chrono::milliseconds wait) {
    const auto when = SteadyClock::now() + wait;
    for (auto& replica : replicas_) replica.surveyAgainAt = when;
    armTimer(when);
}

}  // namespace litestream::engine
