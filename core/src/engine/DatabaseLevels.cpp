#include "engine/Database.h"

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
    setup.wall = [clock = services_.clock] { return clock->now(); };
    return std::make_shared<levels::Keeper>(std::move(setup));
}

void Database::tendLevels() {
    if (closing_ || options_.patience || establishing_ || state_ == State::Surveying || state_ == State::Closed) return;
    for (auto& replica : replicas_) {
        if (replica.state != Replica::State::Following) continue;
        if (const auto at = replica.keeper->turn(attributes_)) armTimer(*at);
    }
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
