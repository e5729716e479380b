#include "engine/Database.h"

#include "engine/Encoding.h"

#include <boost/asio/post.hpp>

/// Levels, snapshots and retention of each replica: what its keeper needs from the database, and when it has its turn.
namespace litestream::engine {

std::shared_ptr<levels::Keeper> Database::makeKeeper(std::size_t index) {
    const std::weak_ptr<Database> weak = weak_from_this();
    levels::Keeper::Setup setup;
    setup.database = options_.path.string();
    setup.replica = replicas_[index].name;
    setup.store = replicas_[index].store;
    setup.codecs = services_.registry.codecs();
    setup.codec = codec_;
    setup.settings = options_.replicas[index].levels;
    setup.scratch = meta_.directory;
    setup.inventoryFile = meta_.inventory(options_.replicas[index].transport, setup.store->transport());
    setup.wall = [clock = services_.clock] { return clock->now(); };
    setup.random = [] { return transport::systemTiming().random(); };
    setup.background = [&services = services_](levels::Keeper::Action action) { services.compactions.post(std::move(action)); };
    setup.onStrand = [weak](levels::Keeper::Action action) {
        const auto self = weak.lock();
        if (!self) return;
        self->post([action = std::move(action)](const Database&) { action(); });
    };
    // The keeper belongs to the database: what it calls back for is there.
    setup.ended = [this] {
        tendLevels();
        settleWaiters();
    };
    setup.conflict = [this, index](const std::string& reason) {
        replicas_[index].uploader->close();
        stopped(index, reason);
    };
    setup.needsDatabase = [this, index](const std::string& reason) { return seedInstead(replicas_[index], reason); };
    setup.mismatch = [this, index](Txid txid, levels::ReadState read) { return mendReplica(index, txid, std::move(read)); };
    setup.needsAnchor = [this] {
        anchorWanted_ = true;
        armTimer(std::chrono::steady_clock::now());
    };
    setup.donors = [this, index](const replica::FileId& file, const levels::HeldFile& known) { return donors(index, file, known); };
    setup.expected = [this, index](const replica::FileId& file) { return mayArrive(replicas_[index], file); };
    setup.lineage = [this] { return lineage_; };
    return std::make_shared<levels::Keeper>(std::move(setup));
}

void Database::tendLevels() {
    if (closing_ || options_.patience || establishing_ || state_ == State::Surveying || state_ == State::Closed) return;
    for (auto& replica : replicas_) {
        if (replica.state != Replica::State::Following) continue;
        if (const auto at = replica.keeper->turn(attributes_)) armTimer(*at);
    }
}

std::vector<levels::Donor> Database::donors(std::size_t index, const replica::FileId& file, const levels::HeldFile& known) const {
    auto checksum = known.evidence.fileChecksum;
    if (!checksum && file.level == replica::kLevel0) {
        const auto journal = journal_.load();
        if (const auto* record = journal.find(file.range.max); record != nullptr && record->fileChecksum != 0) checksum = record->fileChecksum;
    }
    std::vector<levels::Donor> found;
    for (const auto& payload : unsent_) {
        const Txid txid = payload->identity().txid;
        if (file != replica::FileId{replica::kLevel0, {txid, txid}}) continue;
        found.push_back({"spool", payload->size(), payload->fileChecksum(), [payload](const CallContext&) { return readBody(payload->open()); }});
    }
    for (std::size_t i = 0; i < replicas_.size(); ++i) {
        const levels::HeldFile* other = i == index ? nullptr : replicas_[i].keeper->inventory().find(file);
        if (other == nullptr || other->info.size != known.info.size) continue;
        const auto& its = other->evidence.fileChecksum;
        if (checksum && its && *checksum != *its) continue;
        found.push_back({replicas_[i].name, other->info.size, checksum ? checksum : its,
                         [store = replicas_[i].store, info = other->info](const CallContext& context) { return store->open(info, context); }});
    }
    return found;
}

bool Database::mayArrive(const Replica& replica, const replica::FileId& file) const {
    if (file.level == replica::kSnapshotLevel) return replica.state == Replica::State::Seeding && replica.seed == file.range.max;
    return file.level == replica::kLevel0 && file.range.max > replica.acknowledged && file.range.max <= txid_;
}

/// What is captured and not sent yet would be given up for a snapshot, so it is sent first.
bool Database::atRest(const Replica& replica) const {
    return state_ == State::Tracking && !reconciling_ && !closing_ && replica.state == Replica::State::Following && replica.acknowledged == txid_;
}

bool Database::seedInstead(Replica& replica, const std::string& reason) {
    if (!atRest(replica)) return false;
    demote(replica, reason);
    // A TXID of its own: the snapshot of this one may be what is damaged, and its name is taken.
    anchorWanted_ = true;
    return true;
}

}  // namespace litestream::engine
