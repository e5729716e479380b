#include "engine/SumsKeeper.h"

#include "util/Log.h"

#include <litestream/Error.h>

namespace litestream::engine {

void SumsKeeper::distrust() {
    txid_ = {};
    if (!building_) file_.invalidate();
}

void SumsKeeper::durable(const std::shared_ptr<Payload>& payload) {
    if (payload->sums.settled) return;
    payload->sums.settled = true;
    if (building_) {
        held_.push_back(payload);
    } else {
        apply(*payload);
    }
}

void SumsKeeper::apply(Payload& payload) {
    const Txid txid = payload.identity().txid;
    const std::vector<PageSum> entries = std::move(payload.sums.entries);
    if (!txid_ || txid <= txid_) return;
    try {
        if (txid != txid_.next() || !payload.sums.known) throw Error(ErrorCode::Corrupt, "a cut was not seen");
        file_.apply(txid_, txid, payload.identity().commit, entries);
        txid_ = txid;
    } catch (const Error& error) {
        log::debug("page sums given up", {{"txid", ltx::format(txid)}, {"reason", error.what()}});
        distrust();
    }
}

void SumsKeeper::build(Txid txid) {
    building_ = true;
    target_ = txid;
    held_.clear();
}

void SumsKeeper::built(std::uint32_t commit) {
    building_ = false;
    txid_ = target_;
    try {
        file_.seal(target_, commit);
    } catch (const Error&) {
        distrust();
    }
    for (const auto& payload : held_) apply(*payload);
    held_.clear();
}

void SumsKeeper::failed() {
    building_ = false;
    held_.clear();
    distrust();
}

}  // namespace litestream::engine
