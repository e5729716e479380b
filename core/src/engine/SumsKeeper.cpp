#include "engine/SumsKeeper.h"

#include "util/Log.h"

#include <litestream/Error.h>

namespace litestream::engine {

void SumsBuild::write(PageNumber first, std::span<const std::uint64_t> sums) {
    const std::unique_lock lock(mutex_);
    if (!live_) return;
    if (first == 1) file_.begin(commit_);
    file_.write(first, sums);
}

void SumsBuild::cancel() {
    const std::unique_lock lock(mutex_);
    live_ = false;
}

void SumsBuild::seal() {
    const std::unique_lock lock(mutex_);
    live_ = false;
    file_.seal(txid_, commit_);
}

void SumsKeeper::distrust() {
    txid_ = {};
    if (!build_) file_.invalidate();
}

void SumsKeeper::durable(const std::shared_ptr<Payload>& payload) {
    if (payload->sums.settled) return;
    payload->sums.settled = true;
    if (build_) {
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

std::shared_ptr<SumsBuild> SumsKeeper::build(Txid txid, std::uint32_t commit) {
    if (build_ || txid_) return nullptr;
    held_.clear();
    build_ = std::make_shared<SumsBuild>(file_, txid, commit);
    return build_;
}

void SumsKeeper::end(const std::shared_ptr<SumsBuild>& build, bool complete) {
    if (!build || build != build_) return;
    build_.reset();
    txid_ = {};
    if (complete) {
        try {
            build->seal();
            txid_ = build->txid_;
        } catch (const Error& error) {
            log::debug("page sums given up", {{"reason", error.what()}});
        }
    } else {
        build->cancel();
    }
    if (!txid_) file_.invalidate();
    for (const auto& payload : held_) apply(*payload);
    held_.clear();
}

}  // namespace litestream::engine
