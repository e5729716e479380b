#include "engine/Database.h"

#include "engine/Encoding.h"
#include "engine/ImageEncoder.h"
#include "ltx/Decoder.h"
#include "restore/Plan.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <random>
#include <utility>

namespace litestream::engine {

namespace {

using SteadyClock = std::chrono::steady_clock;

/// For the first survey of a replica; one that fails gets longer, since a replica may hold very many files.
constexpr auto kSurveyDeadline = std::chrono::seconds(5);
constexpr auto kErrorLogInterval = std::chrono::seconds(30);
/// Failures that heal within so many attempts are nobody's business.
constexpr unsigned kQuietAttempts = 3;
/// Encoded data that may wait in memory for one database before it goes to its spool.
constexpr std::uint64_t kWaitingInMemory = 16u << 20;

std::uint64_t newLineage() {
    std::random_device device;
    std::uint64_t lineage = 0;
    while (lineage == 0) lineage = (std::uint64_t{device()} << 32) | device();
    return lineage;
}

}  // namespace

void Database::surveyReplica(std::size_t index) {
    const auto deadline = kSurveyDeadline * (1 + std::min(replicas_[index].failures, 20u));
    boost::asio::post(services_.io, [self = shared_from_this(), index, store = replicas_[index].store, deadline] {
        std::optional<replica::Survey> survey;
        std::string error;
        if (self->cancelled_) return;
        try {
            survey = replica::survey(*store, CallContext::within(deadline, self->surveys_.token()));
        } catch (const std::exception& failure) {
            error = failure.what();
        }
        self->post([=](Database& database) { database.surveyed(index, survey, error); });
    });
}

void Database::surveyed(std::size_t index, std::optional<replica::Survey> survey, const std::string& error) {
    if (state_ == State::Closed) return;
    Replica& replica = replicas_[index];
    replica.surveyConcluded = true;
    replica.survey = std::move(survey);
    if (!replica.survey) {
        ++replica.failures;
        replica.lastError = error;
        if (SteadyClock::now() - replica.lastErrorLogged > kErrorLogInterval) {
            replica.lastErrorLogged = SteadyClock::now();
            log::error("cannot reach replica", {{"db", options_.path.string()}, {"replica", replica.name}, {"error", error}});
        }
        const auto wait = std::chrono::seconds(1u << std::min(replica.failures - 1, 4u));
        replica.surveyAgainAt = SteadyClock::now() + std::min<std::chrono::seconds>(wait, std::chrono::seconds(15));
        armTimer(*replica.surveyAgainAt);
    } else if (replica.failures > 0) {
        log::info("replica sync recovered", {{"db", options_.path.string()}, {"replica", replica.name}, {"previous_errors", replica.failures}});
        replica.failures = 0;
        replica.lastError.clear();
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
    if (journal.lineage == 0) {
        lineage_ = newLineage();
        journal_.reset({lineage_, {}});
        sums_.distrust();
    } else {
        lineage_ = journal.lineage;
        resume(journal);
    }
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
        refuse("another process is writing to the replica (TXID " + ltx::format(newest) +
               " is new). Stop it first, or give this database a replica of its own");
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
        for (auto& replica : replicas_) replica.doubtful = false;  // its content is compared whole anyway
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

void Database::resume(const PositionJournal::Contents& journal) {
    loadSpool(journal);
    Txid evidence;
    bool any = false;
    if (!unsent_.empty()) evidence = unsent_.back()->identity().txid;
    for (const auto& replica : replicas_) {
        if (!replica.survey || !replica.survey->newest) continue;
        any = true;
        evidence = std::max(evidence, replica.survey->newest);
    }
    // A record counts when its file exists. Where nothing can be seen at all, the journal is what there is: the replicas then
    // begin with a snapshot, which does not need the files before it.
    if (!any && unsent_.empty() && !journal.records.empty()) evidence = journal.records.back().txid;
    // A spool that ends before the newest replica does is of no use: whoever needs its files needs later ones, too.
    if (!unsent_.empty() && unsent_.back()->identity().txid < evidence) {
        for (const auto& payload : unsent_) payload->discard();
        unsent_.clear();
    }
    auto kept = journal;
    std::erase_if(kept.records, [&](const auto& record) { return record.txid > evidence; });
    if (kept.records.size() != journal.records.size()) journal_.reset(kept);
    txid_ = evidence;
    provable_.reset();
    if (const auto* record = kept.find(txid_)) {
        provable_ = record->position;
        newestChecksum_ = record->fileChecksum;
        lastTimestamp_ = record->timestamp;
        commit_ = record->commit;
    }
}

void Database::repairSums() {
    // A process that died may have left the sums behind the newest file, or half way to it: the files in between say what is missing.
    constexpr std::uint64_t kMostFiles = 64;
    const PageSums::State have = sumsFile_.load();
    const Txid first = have.dirty ? have.pending : have.txid.next();
    if (!txid_ || !have.txid || have.txid > txid_ || txid_.value - have.txid.value > kMostFiles) {
        sums_.distrust();
        established();
        return;
    }
    if (!have.dirty && have.txid == txid_) {
        sums_.trust(txid_);
        established();
        return;
    }
    boost::asio::post(services_.io, [self = shared_from_this(), first, from = have.txid, last = txid_, unsent = unsent_] {
        Txid reached = from;
        try {
            const auto codecs = self->services_.registry.codecs();
            const CallContext context = CallContext::within(kSurveyDeadline);
            for (Txid txid = first; txid <= last; txid = txid.next()) {
                applyFile(self->findFile(txid, unsent, context), codecs, reached, self->sumsFile_);
                reached = txid;
            }
        } catch (const std::exception& error) {
            log::debug("page sums given up", {{"db", self->options_.path.string()}, {"reason", error.what()}});
            reached = {};
        }
        self->post([reached](Database& database) {
            if (reached) {
                database.sums_.trust(reached);
            } else {
                database.sums_.distrust();
            }
            database.established();
        });
    });
}

ltx::ByteSource Database::findFile(Txid txid, const std::deque<std::shared_ptr<Payload>>& unsent,
                                   const CallContext& context) const {
    for (const auto& payload : unsent) {
        if (payload->identity().txid == txid) return readBody(payload->open());
    }
    for (const auto& replica : replicas_) {
        if (!replica.survey) continue;
        for (const auto& file : replica.survey->files) {
            if (file.id == replica::FileId{replica::kLevel0, {txid, txid}}) return replica.store->open(file, context);
        }
    }
    throw Error(ErrorCode::NotFound, "no file holds TXID " + ltx::format(txid));
}

void Database::loadSpool(const PositionJournal::Contents& journal) {
    std::error_code error;
    std::vector<std::pair<Txid, std::filesystem::path>> files;
    for (const auto& entry : std::filesystem::directory_iterator(meta_.spool(), error)) {
        const auto txid = ltx::parseTxid(entry.path().stem().string());
        if (txid && entry.path().extension() == ".ltx") {
            files.emplace_back(*txid, entry.path());
        } else {
            std::filesystem::remove(entry.path(), error);
        }
    }
    std::sort(files.begin(), files.end());
    const auto codecs = services_.registry.codecs();
    for (const auto& [txid, path] : files) {
        try {
            const JournalRecord* record = journal.find(txid);
            if (record == nullptr) throw Error(ErrorCode::Corrupt, "no record of it");
            if (!unsent_.empty() && txid != unsent_.back()->identity().txid.next()) {
                throw Error(ErrorCode::Corrupt, "files before it are missing");
            }
            const auto size = std::filesystem::file_size(path);
            const auto payload = std::make_shared<Payload>(
                Payload::Identity{txid, record->timestamp, record->commit, size, record->fileChecksum}, path);
            const auto trailer = ltx::verify(readBody(payload->open()), codecs);
            if (trailer.fileChecksum != record->fileChecksum) throw Error(ErrorCode::Corrupt, "not the recorded file");
            unsent_.push_back(payload);
        } catch (const std::exception& failure) {
            log::warn("spool file dropped", {{"db", options_.path.string()}, {"file", path.string()}, {"reason", failure.what()}});
            std::filesystem::remove(path, error);
        }
    }
}

namespace {

/// Whether the newest state of a replica can be restored from what it holds.
bool restorable(const replica::Survey& survey) {
    try {
        const auto plan = restore::plan(survey.files, {});
        return !plan.empty() && plan.back().id.range.max == survey.newest;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

void Database::placeReplica(Replica& replica) {
    const replica::Survey& survey = *replica.survey;
    replica.acknowledged = survey.newest;
    const bool covered = survey.newest == txid_ || (!unsent_.empty() && survey.newest < txid_ &&
                                                    unsent_.front()->identity().txid <= survey.newest.next());
    // An empty replica needs a snapshot, and so does one with a hole, and one whose next files are gone.
    if (!covered || replica.doubtful || !restorable(survey)) {
        replica.state = Replica::State::NeedsSeed;
        return;
    }
    replica.state = Replica::State::Following;
    if (!survey.levelZeroChecksum && survey.newest == txid_) anchorWanted_ = true;
    for (const auto& payload : unsent_) enqueue(replica, payload);
    replica.survey->files = {};
}

void Database::lateReplica(Replica& replica) {
    // We have gone on without it. What it holds beyond doubt from before is gone on with; what only might be ours is bridged by a snapshot.
    const replica::Survey& survey = *replica.survey;
    const Kinship kin = kinship(survey, journal_.load());
    const bool sameLineage = survey.nodeId == lineage_ && survey.newest <= txid_;
    if (kin != Kinship::Ours && sameLineage) {
        replica.acknowledged = {};
        needSeed(replica, std::chrono::milliseconds(0));
        return;
    }
    if (kin != Kinship::Ours) {
        replica.state = Replica::State::Stopped;
        replica.lastError = "it holds another history, up to TXID " + ltx::format(survey.newest) +
                            ". Restart to adopt it, or give it an empty path";
        log::error("replica stopped", {{"db", options_.path.string()}, {"replica", replica.name}, {"error", replica.lastError}});
        return;
    }
    placeReplica(replica);
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
    limitMemory();
    limitSpool();
    releaseUnneeded();
}

bool Database::anyFailing() const {
    return std::any_of(replicas_.begin(), replicas_.end(), [](const auto& replica) {
        return replica.failures > 0 || replica.state == Replica::State::Unknown;
    });
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
    if (state_ != State::Tracking || reconciling_ || !txid_) return false;
    const auto now = SteadyClock::now();
    bool wanted = false;
    for (const auto& replica : replicas_) {
        if (replica.state == Replica::State::Seeding) return false;  // one image at a time
        if (replica.state == Replica::State::NeedsSeed && replica.seedNotBefore <= now) wanted = true;
    }
    return wanted;
}

void Database::startSeed() {
    if (!seedWanted() || !caughtUp_ || (batch_ && !batch_->empty())) return;
    // Everything captured belongs to txid_, so an image of the captured position is the snapshot 1..txid_.
    const auto now = SteadyClock::now();
    const auto chosen = std::find_if(replicas_.begin(), replicas_.end(), [&](const auto& replica) {
        return replica.state == Replica::State::NeedsSeed && replica.seedNotBefore <= now;
    });
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
    ImageEncoder::Sums sums;
    chosen->seedSums = sums_.build(txid_, commit_);
    if (chosen->seedSums) {
        sums = [build = chosen->seedSums](PageNumber first, std::span<const std::uint64_t> run) { build->write(first, run); };
    }
    chosen->state = Replica::State::Seeding;
    chosen->seed = txid_;
    auto content = std::make_shared<ImageContent>(std::move(image), head, codec_, services_.workers, std::move(sums));
    chosen->uploader->enqueue({{replica::kSnapshotLevel, {Txid{1}, txid_}}, head.timestamp, attributes_, std::move(content), false});
    for (const auto& payload : unsent_) enqueue(*chosen, payload);
}

void Database::stored(std::size_t index, const replica::Upload& upload) {
    Replica& replica = replicas_[index];
    const Txid txid = upload.file.range.max;
    const bool seed = upload.file.level == replica::kSnapshotLevel;
    // An upload that ended while its replica was demoted has nothing to say any more.
    if (seed ? replica.state != Replica::State::Seeding || replica.seed != txid : replica.state != Replica::State::Following) return;
    log::debug("ltx file uploaded", {{"db", options_.path.string()}, {"replica", replica.name},
                                     {"level", upload.file.level.value}, {"txid", ltx::format(txid)}});
    if (replica.failures > 0) {
        if (replica.failures > kQuietAttempts) {
            log::info("replica sync recovered", {{"db", options_.path.string()}, {"replica", replica.name}, {"previous_errors", replica.failures}});
        }
        replica.failures = 0;
        replica.lastError.clear();
    }
    replica.acknowledged = std::max(replica.acknowledged, txid);
    if (seed) {
        replica.state = Replica::State::Following;
        sums_.end(std::exchange(replica.seedSums, nullptr), true);
        // Level 0 must not stay empty beside a snapshot: upstream would start again at TXID 1.
        if (txid_ == txid) anchorWanted_ = true;
    }
    for (const auto& payload : unsent_) {
        if (payload->identity().txid <= txid) sums_.durable(payload);
    }
    releaseUnneeded();
    limitMemory();
    settleWaiters();
    if (anchorWanted_ || seedWanted()) turn();
}

void Database::failed(std::size_t index, const replica::Upload& upload, const Error& error, unsigned attempt,
                      std::chrono::milliseconds wait) {
    Replica& replica = replicas_[index];
    const bool seed = !upload.persistent;
    if (seed ? replica.state != Replica::State::Seeding || replica.seed != upload.file.range.max
             : replica.state != Replica::State::Following) {
        return;
    }
    replica.failures = std::max(replica.failures + 1, attempt);
    // A seed is always in its first attempt: its patience grows here.
    if (seed) wait = replica::RetryPolicy{}.delay(error.code(), replica.failures + 1, 1.0);
    replica.lastError = error.what();
    const bool person = !replica::RetryPolicy::heals(error.code());
    const bool loud = (person || replica.failures > kQuietAttempts) &&
                      SteadyClock::now() - replica.lastErrorLogged > kErrorLogInterval;
    const std::string backoff = std::to_string(wait.count()) + "ms";
    if (loud) replica.lastErrorLogged = SteadyClock::now();
    log::write(loud ? log::Level::Error : log::Level::Debug, "sync error",
               {{"db", options_.path.string()}, {"replica", replica.name}, {"error", error.what()},
                {"consecutive_errors", replica.failures}, {"backoff", backoff}});
    if (seed) {
        needSeed(replica, wait);
        releaseUnneeded();
        return;
    }
    limitMemory();
}

void Database::stopped(std::size_t index, const std::string& reason) {
    Replica& replica = replicas_[index];
    sums_.end(std::exchange(replica.seedSums, nullptr), false);
    replica.state = Replica::State::Stopped;
    replica.lastError = reason;
    log::error("replica stopped: another writer uses it",
               {{"db", options_.path.string()}, {"replica", replica.name}, {"error", reason}});
    releaseUnneeded();
    settleWaiters();
}

void Database::settleWaiters() {
    if (waiters_.empty()) return;
    const bool nothingOpen = caughtUp_ && (!batch_ || batch_->empty()) && !reconciling_ && !anchorWanted_;
    std::vector<Waiter> open;
    for (auto& waiter : waiters_) {
        if (!waiter.target && state_ == State::Tracking && nothingOpen) waiter.target = txid_;
        if (!waiter.target && state_ == State::Detached && closing_ && !encoding_) {
            // No database: what there was has been cut, or there never was anything. One that is there but cannot be followed is another matter.
            std::error_code error;
            const auto size = std::filesystem::file_size(options_.path, error);
            if (!error && size > 0) {
                waiter.done(false);
                continue;
            }
            waiter.target = txid_;
        }
        if (!waiter.target) {
            open.push_back(std::move(waiter));
            continue;
        }
        bool stoppedOne = false;
        const bool reached = std::all_of(replicas_.begin(), replicas_.end(), [&](const auto& replica) {
            if (replica.state == Replica::State::Stopped) stoppedOne = true;
            if (replica.state == Replica::State::Stopped) return true;
            return replica.acknowledged >= *waiter.target && (replica.state == Replica::State::Following || !*waiter.target);
        });
        if (reached) {
            waiter.done(!stoppedOne);
        } else {
            open.push_back(std::move(waiter));
        }
    }
    waiters_ = std::move(open);
}

}  // namespace litestream::engine
