#include "levels/Keeper.h"

#include "levels/ReadWhole.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

/// What a replica holds is compared with what it has to hold, and put right.
namespace litestream::levels {

namespace {

/// Between two questions to a database that is busy.
constexpr auto kRepairWait = std::chrono::seconds(2);

/// As between two objects with every page of a database.
constexpr auto kBetweenMends = std::chrono::minutes(10);

/// Of a validation; between two of them other jobs have their turn.
constexpr auto kStep = std::chrono::seconds(2);
/// After a repair: the level-0 file beside the new snapshot is there by then.
constexpr auto kConfirmation = std::chrono::seconds(1);

std::string text(std::uint64_t checksum) { return fmt::format("{:016x}", checksum); }

}  // namespace

void Keeper::learn(const std::vector<replica::FileInfo>& files, const std::vector<std::uint64_t>& checksums) {
    for (std::size_t i = 0; i < checksums.size(); ++i) ledger_.know(files[i].id, checksums[i]);
}

void Keeper::proven(const replica::FileId& last, std::uint64_t digest) {
    // Somebody may have found out meanwhile that the digest was wrong, or that the file is.
    const HeldFile* file = inventory_.find(last);
    if (file == nullptr || file->evidence.digest != digest || last.range.max < inventory_.proven().txid) return;
    ledger_.prove({last.range.max, setup_.wall()});
    log::info("replica proven", {{"db", setup_.database}, {"replica", setup_.replica}, {"txid", ltx::format(last.range.max)}});
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
    if (damaged.range.min <= inventory_.proven().txid) ledger_.prove({});
}

void Keeper::repair() {
    const auto now = setup_.now();
    repairs_ = Pace::quiet();
    if (mending_ == Mending::Wanted && mendNotBefore_ <= now &&
        setup_.mismatch(mismatch_, readerOf(*setup_.store, setup_.codecs, setup_.codec, mismatchedFiles_, cancellation_.token(), setup_.scratch))) {
        mending_ = Mending::Underway;
        mendNotBefore_ = now + kBetweenMends;
        mismatchedFiles_.clear();
    }
    if (mending_ == Mending::Shipped && setup_.needsDatabase("it did not match the database at TXID " + ltx::format(mismatch_))) mending_ = Mending::Seeding;
    if (mending_ == Mending::Wanted || mending_ == Mending::Shipped) repairs_.at = std::max(now + kRepairWait, mending_ == Mending::Wanted ? mendNotBefore_ : now);
}

void Keeper::seeded() {
    if (mending_ != Mending::Seeding) return;
    mending_ = Mending::Nothing;
    // What was put right is looked at, whatever the settings say.
    validation_.reset();
    validations_ = {};
    validations_.notBefore = setup_.now() + kConfirmation;
}

void Keeper::scheduleProofs() {
    const auto now = setup_.now();
    validation_.reset();
    validations_ = trials_ = Pace::quiet();
    const auto validation = setup_.settings.validationInterval;
    const auto trial = setup_.settings.verifyRestore.interval;
    if (validation.count() > 0) validations_.at = now + someWithin(validation);
    if (trial.count() > 0) {
        trials_.at = now + someWithin(trial);
        removeTrial(trialFile());
    }
}

Clock::duration Keeper::someWithin(Clock::duration interval) const {
    // Databases that were started together are not validated together, and a process that never lives for a whole interval comes to its turn, too.
    const std::string name = setup_.database + '\n' + setup_.replica;
    return interval / 1000 * static_cast<long>(1 + ltx::crc64(0, std::as_bytes(std::span(name))) % 1000);
}

std::filesystem::path Keeper::trialFile() const {
    const auto& chosen = setup_.settings.verifyRestore.directory;
    const std::string name = setup_.database + '\n' + setup_.replica;
    return (chosen.empty() ? setup_.scratch : chosen) / ("verify-" + text(ltx::crc64(0, std::as_bytes(std::span(name)))) + ".db");
}

bool Keeper::startValidation() {
    validations_.dirty = false;
    const auto interval = setup_.settings.validationInterval;
    validations_.at.reset();
    if (interval.count() > 0) validations_.at = setup_.now() + interval;
    if (inventory_.size() == 0) return false;
    if (!validation_) validation_ = std::make_shared<Validation>(setup_.store, setup_.codecs, setup_.codec, inventory_);
    start([this, run = validation_] { return run->step(kStep, cancellation_.token()); },
          [this, run = validation_](bool more, const Failure& failure) {
              if (run == validation_) validated(more, failure);
          });
    return true;
}

void Keeper::validated(bool more, const Failure& failure) {
    const auto now = setup_.now();
    for (const auto& read : validation_->takeRead()) ledger_.know(read.file.id, read.checksum);
    if (failure.mismatch) {
        mismatched(validation_->state().files, validation_->state().txid, *failure.mismatch);
    } else if (failure.culprit) {
        // What was deleted meanwhile is no loss.
        if (inventory_.find(*failure.culprit) != nullptr) damaged(*failure.culprit, *failure.error);
    } else if (failure.error) {
        validations_.failed(now, kFirstWait, kLongestWait);
        log::debug("validation interrupted", {{"db", setup_.database}, {"replica", setup_.replica}, {"error", failure.error->what()}});
        return;
    }
    validations_.failures = 0;
    if (more || failure.error) {
        validations_.dirty = true;
        return;
    }
    const auto run = std::exchange(validation_, nullptr);
    log::info("replica validated", {{"db", setup_.database}, {"replica", setup_.replica}, {"files", run->files()}});
    if (run->proven()) proven(run->state().files.back().id, *run->state().expected.digest);
    const auto interval = setup_.settings.validationInterval;
    if (interval.count() > 0) validations_.at = now + (run->disturbed() ? std::min<Clock::duration>(interval, kLongestWait) : interval);
}

bool Keeper::startTrial() {
    const auto now = setup_.now();
    trials_.dirty = false;
    trials_.at = now + setup_.settings.verifyRestore.interval;
    // The newest state, and one of before, by turns.
    const double fraction = static_cast<double>(someWithin(std::chrono::seconds(1000)) / std::chrono::seconds(1) * (trialCount_ + 1) % 1000) / 1000;
    const auto trial = chooseTrial(inventory_, setup_.settings, now, trialCount_++ % 2 == 0, fraction);
    if (!trial) return false;
    start(
        [this, trial = *trial] {
            return tryRestore(*setup_.store, setup_.codecs, trial, setup_.settings.verifyRestore, trialFile(), cancellation_.token());
        },
        [this, trial = *trial](const TrialEnd& end, const Failure& failure) { tried(trial, end, failure); });
    return true;
}

void Keeper::tried(const Trial& trial, const TrialEnd& end, const Failure& failure) {
    const auto now = setup_.now();
    const auto say = [&](log::Level level, std::string_view message, std::string_view key, const std::string& what) {
        log::write(level, message, {{"db", setup_.database}, {"replica", setup_.replica}, {"txid", ltx::format(trial.txid)}, {key, what}});
    };
    if (!failure.error && end.outcome == TrialEnd::Outcome::Busy) {
        --trialCount_;
        trials_.at = now + kFirstWait;
    } else if (!failure.error && end.outcome == TrialEnd::Outcome::Skipped) {
        say(std::exchange(trialSkipped_, true) ? log::Level::Debug : log::Level::Warn, "restore not verified", "reason", end.reason);
    } else if (!failure.error) {
        trialSkipped_ = false;
        say(log::Level::Info, "restore verified", "compared", trial.digest ? "yes" : "digest not known");
        if (trial.digest) proven(trial.files.back().id, *trial.digest);
    } else if (std::any_of(trial.files.begin(), trial.files.end(), [&](const auto& file) { return inventory_.find(file.id) == nullptr; })) {
        --trialCount_;
        trials_.at = now + kFirstWait;  // retention has taken a file away meanwhile
    } else if (failure.mismatch || isLost(*failure.error) || failure.error->code() == ErrorCode::Unsupported) {
        say(log::Level::Error, "restore failed its verification", "error", failure.error->what());
        if (failure.error->code() == ErrorCode::Unsupported) return;  // nothing is wrong with the replica
        if (failure.mismatch && trial.newest) mismatched(trial.files, trial.txid, *failure.mismatch);
        // Which file it is, reading all of them tells.
        validation_.reset();
        validations_ = {};
    } else {
        trials_.failed(now, kFirstWait, kLongestWait);
        --trialCount_;
        say(log::Level::Debug, "restore not verified", "error", failure.error->what());
    }
}

}  // namespace litestream::levels
