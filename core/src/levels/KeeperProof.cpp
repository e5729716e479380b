#include "levels/Keeper.h"

#include "util/Log.h"

#include <litestream/Error.h>

#include <fmt/format.h>

/// What a replica holds is compared with what it has to hold, and put right.
namespace litestream::levels {

namespace {

/// Between two questions to a database that is busy.
constexpr auto kRepairWait = std::chrono::seconds(2);

std::string text(std::uint64_t checksum) { return fmt::format("{:016x}", checksum); }

}  // namespace

Expected Keeper::expectedOf(const std::vector<replica::FileInfo>& inputs) const {
    Expected expected;
    for (const auto& input : inputs) {
        const HeldFile* file = inventory_.find(input.id);
        expected.checksums.push_back(file == nullptr ? std::nullopt : file->evidence.fileChecksum);
    }
    // A digest is that of a whole database.
    const HeldFile* last = inventory_.find(inputs.back().id);
    if (inputs.front().id.range.min == Txid{1} && last != nullptr) expected.digest = last->evidence.digest;
    return expected;
}

void Keeper::learn(const std::vector<replica::FileInfo>& files, const std::vector<std::uint64_t>& checksums) {
    for (std::size_t i = 0; i < checksums.size(); ++i) inventory_.know(files[i].id, checksums[i]);
}

void Keeper::proven(Txid txid) {
    // A digest that is no longer believed proves nothing.
    if (txid < inventory_.proven().txid) return;
    inventory_.prove({txid, setup_.wall()});
    log::info("replica proven", {{"db", setup_.database}, {"replica", setup_.replica}, {"txid", ltx::format(txid)}});
}

void Keeper::mismatched(const std::vector<replica::FileInfo>& inputs, Txid txid, const DigestError& error) {
    if (repairing()) return;
    log::error("replica does not match the database",
               {{"db", setup_.database}, {"replica", setup_.replica}, {"txid.min", ltx::format(inventory_.proven().txid.next())},
                {"txid.max", ltx::format(txid)}, {"expected", text(error.expected())}, {"found", text(error.found())}});
    mending_ = Mending::Wanted;
    mismatch_ = txid;
    mismatchedFiles_ = inputs;
    repair();
}

void Keeper::shipped() {
    if (mending_ != Mending::Underway) return;
    mending_ = Mending::Shipped;
    repairs_.dirty = true;
}

void Keeper::takeBack(const replica::FileId& damaged) {
    // Whether the proven state can still be read without it is not worth guessing.
    if (damaged.range.min <= inventory_.proven().txid) inventory_.prove({});
}

void Keeper::repair() {
    repairs_ = Pace::quiet();
    if (mending_ == Mending::Wanted && setup_.mismatch(mismatch_, readerOf(*setup_.store, setup_.codecs, setup_.codec, mismatchedFiles_, cancellation_.token()))) {
        mending_ = Mending::Underway;
        mismatchedFiles_.clear();
    }
    if (mending_ == Mending::Shipped && setup_.needsDatabase("it did not match the database at TXID " + ltx::format(mismatch_))) mending_ = Mending::Seeding;
    if (mending_ == Mending::Wanted || mending_ == Mending::Shipped) repairs_.at = setup_.now() + kRepairWait;
}

}  // namespace litestream::levels
