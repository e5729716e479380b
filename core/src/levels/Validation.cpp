#include "levels/Validation.h"

#include "levels/Compaction.h"
#include "levels/Proof.h"
#include "levels/ReadWhole.h"
#include "restore/Plan.h"

#include <algorithm>
#include <set>
#include <utility>

namespace litestream::levels {

namespace {

/// A file of `number` with a known digest may be where a provable state ends.
void addCandidates(const Inventory& inventory, std::uint32_t number, std::set<Txid>& candidates) {
    for (const auto& [range, file] : inventory.level(number)) {
        if (file.evidence.digest) candidates.insert(range.max);
    }
}

std::optional<ProvableState> stateAt(const Inventory& inventory, Txid txid) {
    ProvableState state{txid, {}, {}};
    try {
        state.files = restore::plan(inventory.all(), {txid, std::nullopt});
    } catch (const Error&) {
        return std::nullopt;
    }
    if (state.files.size() > kMostInputs || state.files.back().id.range.max != txid) return std::nullopt;
    state.expected = expectedOf(inventory, state.files);
    if (!state.expected.digest) return std::nullopt;
    return state;
}

}  // namespace

ProvableState provableState(const Inventory& inventory) {
    std::set<Txid> candidates;
    for (std::uint32_t number = 1; number <= replica::kSnapshotLevel.value; ++number) addCandidates(inventory, number, candidates);
    // Without levels there are only snapshots, and those may be a day old.
    bool levels = false;
    for (std::uint32_t number = 1; number < replica::kSnapshotLevel.value; ++number) levels = levels || !inventory.level(number).empty();
    if (!levels) addCandidates(inventory, 0, candidates);
    constexpr int kTries = 8;
    int tries = 0;
    for (auto txid = candidates.rbegin(); txid != candidates.rend() && tries < kTries; ++txid, ++tries) {
        if (auto state = stateAt(inventory, *txid)) return std::move(*state);
    }
    return {};
}

/// A file that is being read by itself.
struct Validation::Reading {
    Reading(replica::ReplicaStore& store, const replica::FileInfo& file, const ltx::CodecSet& codecs, const CallContext& context)
        : decoder(store.open(file, context), codecs), page(decoder.header().pageSize) {}
    ltx::Decoder decoder;
    std::vector<std::byte> page;
};

Validation::Validation(std::shared_ptr<replica::ReplicaStore> store, ltx::CodecSet codecs, std::shared_ptr<const Codec> codec, const Inventory& inventory)
    : store_(std::move(store)),
      codecs_(std::move(codecs)),
      codec_(std::move(codec)),
      state_(provableState(inventory)),
      stateDone_(state_.files.empty()),
      files_(inventory.size()) {
    std::set<replica::FileId> inState;
    for (const auto& file : state_.files) inState.insert(file.id);
    // The newest first: level-0 files do not stay for long.
    for (std::uint32_t number = 0; number <= replica::kSnapshotLevel.value; ++number) {
        for (const auto& [range, file] : inventory.level(number)) {
            if (!inState.contains(file.info.id)) rest_.push_back(file);
        }
    }
}

Validation::~Validation() = default;

bool Validation::step(std::chrono::nanoseconds time, const CancellationToken& cancellation) {
    constexpr auto kPatience = std::chrono::minutes(2);
    // What is being read holds this context, too.
    context_ = CallContext::within(time + kPatience, cancellation);
    const auto end = Clock::now() + time;
    while (!stateDone_ || !rest_.empty()) {
        context_.check("validate");
        if (Clock::now() >= end) return true;
        if (stateDone_) {
            readFile();
        } else {
            readState();
        }
    }
    return false;
}

void Validation::readState() {
    try {
        if (!body_) body_ = std::make_unique<MergedBody>(*store_, state_.files, codecs_, *codec_, context_, state_.expected);
        if (!body_->next().empty()) return;
        const auto checksums = body_->checksums();
        for (std::size_t i = 0; i < checksums.size(); ++i) read_.push_back({state_.files[i], checksums[i]});
        proven_ = state_.txid;
    } catch (const DigestError&) {
        body_.reset();
        stateDone_ = true;
        throw;
    } catch (const Error& error) {
        body_.reset();  // it begins again
        if (!isLost(error)) throw;
        // Which one it is, and whether it is, tells reading them one by one.
        for (std::size_t i = 0; i < state_.files.size(); ++i) rest_.push_back({state_.files[i], {}, {}, false, {state_.expected.checksums[i], std::nullopt}});
        disturbed_ = true;
    }
    body_.reset();
    stateDone_ = true;
}

void Validation::readFile() {
    constexpr int kPages = 256;
    const HeldFile& file = rest_.front();
    const std::string key = store_->layout().key(file.info.id);
    try {
        if (!reading_) {
            reading_ = std::make_unique<Reading>(*store_, file.info, codecs_, context_);
            checkName(reading_->decoder.header(), file.info.id);
        }
        for (int i = 0; i < kPages; ++i) {
            if (reading_->decoder.next(reading_->page) != 0) continue;
            const std::uint64_t found = reading_->decoder.trailer().fileChecksum;
            if (file.evidence.fileChecksum && *file.evidence.fileChecksum != found) throw anotherFile(key, *file.evidence.fileChecksum, found);
            read_.push_back({file.info, found});
            reading_.reset();
            rest_.pop_front();
            second_ = false;
            return;
        }
    } catch (const Error& error) {
        reading_.reset();  // from the beginning, the next time
        if (!isLost(error)) throw;
        // A bit may have flipped on the way.
        if (error.code() == ErrorCode::Corrupt && !std::exchange(second_, true)) return;
        const InputError named(file.info.id, error.within("validate " + key));
        second_ = false;
        rest_.pop_front();
        throw named;
    }
}

}  // namespace litestream::levels
