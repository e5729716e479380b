#include "engine/Database.h"

#include "engine/Encoding.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <functional>
#include <utility>

/// Digests: what each replica has to hold at a TXID, according to what was captured; and whether what was captured is the database.
namespace litestream::engine {

namespace {

using SteadyClock = std::chrono::steady_clock;

/// Until a busy database is looked at again: the image has to be of what was captured.
constexpr auto kSelfCheckWait = std::chrono::seconds(1);

}  // namespace

SumsKeeper::Events Database::sumsEvents() {
    return {.known = [this](Txid txid, std::uint64_t digest) { digestKnown(txid, digest); },
            .wrong = [this](Txid txid) {
                log::error("page sums were wrong. They are mended, and what was proven by them counts no more",
                           {{"db", options_.path.string()}, {"txid", ltx::format(txid)}});
                digestsWrong(txid);
            }};
}

void Database::digestKnown(Txid txid, std::uint64_t digest) {
    for (auto& replica : replicas_) {
        if (replica.keeper && txid != replica.seedBehind) replica.keeper->expect(txid, digest);
        if (replica.state == Replica::State::Seeding && replica.seed == txid && !replica.seedSums) replica.seedExpected = digest;
    }
}

void Database::digestsWrong(Txid txid) {
    for (auto& replica : replicas_) {
        if (replica.keeper) replica.keeper->forgetDigests();
        replica.seedExpected.reset();
    }
    for (const auto& payload : unsent_) {
        if (payload->identity().txid < txid) payload->sums.digest.reset();
    }
}

void Database::tellDigest(Replica& replica) {
    if (const auto digest = sums_.digest(); digest && sums_.txid() != replica.seedBehind) replica.keeper->expect(sums_.txid(), *digest);
}

levels::Evidence Database::evidenceOf(const Replica& replica, const replica::Upload& upload, bool current) const {
    levels::Evidence evidence;
    if (const auto* cut = dynamic_cast<const Payload*>(upload.content.get())) {
        evidence.fileChecksum = cut->fileChecksum();
        evidence.digest = cut->sums.digest;
    } else if (current) {
        evidence.digest = *replica.seedDigest;
    }
    return evidence;
}

void Database::captureWrong(Txid txid, const std::string& expected, const std::string& found) {
    log::error("what was captured does not match the database",
               {{"db", options_.path.string()}, {"txid", ltx::format(txid)}, {"expected", expected}, {"found", found}});
    // Since when, nobody knows.
    digestsWrong(txid.next());
}

bool Database::captureMatches(Txid txid, std::uint64_t captured, std::uint64_t image) {
    if (captured == image) return true;
    captureWrong(txid, ltx::format(Txid{image}), ltx::format(Txid{captured}));
    // The pages that differ are shipped as the next TXID.
    if (state_ == State::Tracking) {
        lost("what was captured does not match the database");
    } else {
        provable_.reset();  // attaching then ends in the same comparison
    }
    return false;
}

bool Database::mendReplica(std::size_t index, Txid txid, levels::ReadState read) {
    if (mend_ || state_ != State::Tracking || closing_) return false;
    mend_ = Mend{index, false};
    // Its page sums are read first, however long that takes: no image is pinned meanwhile. What changes in the database until then is shipped once more.
    services_.compactions.post([self = shared_from_this(), txid, read = std::move(read)] {
        std::string failure;
        try {
            PageSums file(self->meta_.replicaSums());
            std::uint64_t digest = ltx::kEmptyDigest;
            std::uint32_t pages = 0;
            file.begin(0);
            read([&](PageNumber first, std::span<const std::uint64_t> sums) {
                file.write(first, sums);
                digest = ltx::addToDigest(digest, sums);
                pages = first + static_cast<std::uint32_t>(sums.size()) - 1;
            });
            file.seal(txid, pages, digest);
        } catch (const std::exception& error) {
            failure = error.what();
        }
        self->post([failure](Database& database) { database.mendRead(failure); });
    });
    return true;
}

void Database::mendRead(const std::string& failure) {
    mend_->read = true;
    if (!failure.empty()) {
        log::warn("replica cannot be compared with the database, which is shipped whole",
                  {{"db", options_.path.string()}, {"replica", replicas_[mend_->replica].name}, {"error", failure}});
        sums_.distrust();
    }
    if (state_ == State::Tracking) {
        lost("replica " + replicas_[mend_->replica].name + " does not match the database");
    } else {
        provable_.reset();
    }
}

void Database::mended(Txid shipped, bool oursAlone) {
    // What the replica holds of these pages is what the database holds, and what was captured of them is neither.
    if (oursAlone) {
        captureWrong(Txid{shipped.value - 1}, "the replica's pages", "other ones");
        if (sums_.txid() >= shipped) {
            for (auto& replica : replicas_) tellDigest(replica);
        }
    }
    std::error_code ignored;
    std::filesystem::remove(meta_.replicaSums(), ignored);
    replicas_[mend_->replica].keeper->shipped();
    mend_.reset();
    tendLevels();
}

void Database::scheduleSelfCheck() {
    for (const auto& replica : options_.replicas) {
        const auto wanted = replica.levels.validationInterval;
        if (wanted.count() > 0 && (selfCheckInterval_.count() == 0 || wanted < selfCheckInterval_)) selfCheckInterval_ = wanted;
    }
    // Databases that were started together are not read together.
    const auto part = static_cast<long>(1 + std::hash<std::string>{}(options_.path.string()) % 1000);
    if (selfCheckInterval_.count() > 0) selfCheckAt_ = SteadyClock::now() + selfCheckInterval_ / 1000 * part;
}

void Database::startSelfCheck() {
    const auto now = SteadyClock::now();
    if (!selfCheckAt_ || *selfCheckAt_ > now || closing_) return;
    // An image of the captured position is the state of txid_ only when everything captured belongs to it.
    const bool seeding = std::any_of(replicas_.begin(), replicas_.end(), [](const auto& replica) { return replica.state == Replica::State::Seeding; });
    const bool still = state_ == State::Tracking && !reconciling_ && !encoding_ && caughtUp_ && (!batch_ || batch_->empty());
    std::shared_ptr<Image> image;
    if (still && !seeding && txid_) {
        settleSums();
        try {
            if (sums_.txid() == txid_) image = source_->image();
        } catch (const Error& error) {
            log::debug("comparison postponed", {{"db", options_.path.string()}, {"reason", error.what()}});
        }
    }
    if (!image || !(image->position() == position_)) {
        selfCheckAt_ = now + kSelfCheckWait;
        armTimer(*selfCheckAt_);
        return;
    }
    selfChecking_ = true;
    selfCheckAt_.reset();
    boost::asio::post(services_.io, [self = shared_from_this(), image = std::move(image), txid = txid_, captured = *sums_.digest()]() mutable {
        std::optional<std::uint64_t> digest;
        std::string failure;
        try {
            digest = digestOf(*image, self->surveys_.token());
        } catch (const std::exception& error) {
            failure = error.what();
        }
        image.reset();
        self->post([=](Database& database) { database.selfChecked(txid, captured, digest, failure); });
    });
}

void Database::selfChecked(Txid txid, std::uint64_t captured, std::optional<std::uint64_t> image, const std::string& failure) {
    selfChecking_ = false;
    selfCheckAt_ = SteadyClock::now() + selfCheckInterval_;
    armTimer(*selfCheckAt_);
    if (!image) {
        log::debug("comparison failed", {{"db", options_.path.string()}, {"reason", failure}});
    } else if (captureMatches(txid, captured, *image)) {
        log::info("database compared with what was captured", {{"db", options_.path.string()}, {"txid", ltx::format(txid)}});
    }
    if (seedWanted()) turn();
}

}  // namespace litestream::engine
