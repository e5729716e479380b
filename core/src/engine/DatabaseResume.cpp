#include "engine/Database.h"

#include "engine/Encoding.h"
#include "levels/ReadWhole.h"
#include "ltx/Decoder.h"
#include "restore/Plan.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <iterator>

/// Going on where an earlier process ended: journal, spool, page sums, and what each replica has.
namespace litestream::engine {

namespace {

constexpr auto kRepairDeadline = std::chrono::seconds(30);
/// Looks at a spool that cannot be read, ten seconds apart.
constexpr unsigned kSpoolLooks = 3;

}  // namespace

void Database::takeUp(const PositionJournal::Contents& journal) {
    establishing_ = true;
    // Reading a full spool takes seconds.
    boost::asio::post(services_.io, [self = shared_from_this(), journal] {
        std::vector<std::shared_ptr<Payload>> spooled;
        std::optional<Error> failure;
        try {
            spooled = self->loadSpool(journal);
        } catch (const Error& error) {
            failure = error;
        } catch (const std::exception& error) {
            failure = Error(ErrorCode::Transient, error.what());
        }
        self->post([journal, failure, spooled = std::move(spooled)](Database& database) {
            if (database.cancelled_) return;  // the spool may not have been read to its end
            if (failure && !database.doesWithoutSpool(*failure)) throw *failure;  // it is read again
            database.unsent_.assign(spooled.begin(), spooled.end());
            database.resume(journal);
            database.repairSums();
        });
    });
}

/// What stays unreadable holds up nobody for long: the newest state is in the database, and is sent from there. The files stay where they are.
bool Database::doesWithoutSpool(const Error& failure) {
    if (++spoolLooks_ < kSpoolLooks) return false;
    spoolLooks_ = 0;
    log::error("spool not read: the states in it are left out, the newest one is sent", {{"db", options_.path.string()}, {"error", failure.what()}});
    return true;
}

void Database::resume(const PositionJournal::Contents& journal) {
    Txid evidence;
    bool any = false;
    if (!unsent_.empty()) evidence = unsent_.back()->identity().txid;
    for (const auto& replica : replicas_) {
        if (!replica.survey || replica.late || !replica.survey->newest) continue;
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
    std::copy_if(journal.records.begin(), journal.records.end(), std::back_inserter(unseen_), [&](const auto& record) { return record.txid > evidence; });
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
        sums_.trust(have);
        established();
        return;
    }
    std::vector<FileOpener> files;
    for (Txid txid = first; txid <= txid_; txid = txid.next()) files.push_back(findFile(txid));
    boost::asio::post(services_.io, [self = shared_from_this(), from = have.txid, files = std::move(files)] {
        Txid reached = from;
        try {
            const auto codecs = self->services_.registry.codecs();
            const CallContext context = CallContext::within(kRepairDeadline, self->surveys_.token());
            for (const auto& open : files) reached = applyFile(open(context), codecs, reached, self->sumsFile_);
        } catch (const std::exception& error) {
            log::debug("page sums given up", {{"db", self->options_.path.string()}, {"reason", error.what()}});
            reached = {};
        }
        self->post([reached](Database& database) {
            const PageSums::State now = database.sumsFile_.load();
            if (reached && now.txid == reached && !now.dirty) {
                database.sums_.trust(now);
            } else {
                database.sums_.distrust();
            }
            database.established();
        });
    });
}

Database::FileOpener Database::findFile(Txid txid) const {
    for (const auto& payload : unsent_) {
        if (payload->identity().txid == txid) return [payload](const CallContext&) { return readBody(payload->open()); };
    }
    for (const auto& replica : replicas_) {
        if (!replica.survey || replica.late) continue;
        for (const auto& file : replica.survey->files) {
            if (file.id != replica::FileId{replica::kLevel0, {txid, txid}}) continue;
            return [store = replica.store, file](const CallContext& context) { return store->open(file, context); };
        }
    }
    return [txid](const CallContext&) -> ltx::ByteSource {
        throw Error(ErrorCode::NotFound, "no file holds TXID " + ltx::format(txid));
    };
}

std::vector<std::shared_ptr<Payload>> Database::loadSpool(const PositionJournal::Contents& journal) const {
    std::vector<std::shared_ptr<Payload>> spooled;
    std::error_code error;
    std::vector<std::pair<Txid, std::filesystem::path>> files;
    std::filesystem::directory_iterator entry(meta_.spool(), error);
    if (error == std::errc::no_such_file_or_directory) return {};
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        const auto txid = ltx::parseTxid(entry->path().stem().string());
        std::error_code ignored;
        if (txid && entry->path().extension() == ".ltx") {
            files.emplace_back(*txid, entry->path());
        } else {
            std::filesystem::remove(entry->path(), ignored);
        }
    }
    if (error) throw systemError("read " + meta_.spool().string(), error.value());
    std::sort(files.begin(), files.end());
    const auto codecs = services_.registry.codecs();
    for (const auto& [txid, path] : files) {
        if (cancelled_) break;
        try {
            const JournalRecord* record = journal.find(txid);
            if (record == nullptr) throw Error(ErrorCode::Corrupt, "no record of it");
            if (!spooled.empty() && txid != spooled.back()->identity().txid.next()) {
                throw Error(ErrorCode::Corrupt, "files before it are missing");
            }
            const auto size = std::filesystem::file_size(path, error);
            if (error) throw systemError("read " + path.string(), error.value());
            const auto payload = std::make_shared<Payload>(
                Payload::Identity{txid, record->timestamp, record->commit, size, record->fileChecksum}, path);
            const auto trailer = ltx::verify(readBody(payload->open()), codecs);
            if (trailer.fileChecksum != record->fileChecksum) throw Error(ErrorCode::Corrupt, "not the recorded file");
            spooled.push_back(payload);
        } catch (const Error& failure) {
            // What says nothing of the file is no reason to give it up.
            if (!levels::isLost(failure) && failure.code() != ErrorCode::Unsupported) throw;
            log::warn("spool file dropped", {{"db", options_.path.string()}, {"file", path.string()}, {"reason", failure.what()}});
            std::filesystem::remove(path, error);
        }
    }
    return spooled;
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

}  // namespace litestream::engine
