#include "engine/SumsKeeper.h"

#include "util/Log.h"

#include <litestream/Error.h>

namespace litestream::engine {

void SumsBuild::write(PageNumber first, std::span<const std::uint64_t> sums) {
    const std::unique_lock lock(mutex_);
    if (!live_) return;
    if (first == 1) {
        file_.begin(commit_);
        digest_ = ltx::kEmptyDigest;
    }
    file_.write(first, sums);
    digest_ = ltx::addToDigest(digest_, sums);
}

std::uint64_t SumsBuild::digest() {
    const std::unique_lock lock(mutex_);
    return digest_;
}

void SumsBuild::cancel() {
    const std::unique_lock lock(mutex_);
    live_ = false;
}

void SumsBuild::seal() {
    const std::unique_lock lock(mutex_);
    live_ = false;
    file_.seal(txid_, commit_, digest_);
}

std::optional<std::uint64_t> SumsKeeper::digest() const {
    if (!txid()) return std::nullopt;
    return digest_;
}

void SumsKeeper::trust(const PageSums::State& state) { reach(state.txid, state.digest); }

void SumsKeeper::reach(Txid txid, std::uint64_t digest) {
    txid_ = txid;
    digest_ = digest;
    if (events_.known) events_.known(txid, digest);
}

void SumsKeeper::correct(std::uint64_t digest) {
    if (!txid() || digest == digest_) return;
    try {
        file_.correct(digest);
    } catch (const Error& error) {
        log::debug("page sums given up", {{"txid", ltx::format(txid_)}, {"reason", error.what()}});
        distrust();
    }
    if (events_.wrong) events_.wrong(txid_);
    if (txid_) reach(txid_, digest);
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
        const std::uint64_t digest = file_.apply(txid_, txid, payload.identity().commit, entries);
        payload.sums.digest = payload.sums.image.value_or(digest);
        if (payload.sums.digest == digest) {
            reach(txid, digest);
        } else {
            txid_ = txid;
            digest_ = digest;
            correct(*payload.sums.digest);
        }
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
            reach(build->txid_, build->digest());
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
