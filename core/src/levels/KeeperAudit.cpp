#include "levels/Keeper.h"

#include "levels/ReadWhole.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>

/// Comparing the replica with the inventory, and seeing to what is found: one job for each file, before anything else is begun.
namespace litestream::levels {

namespace {

/// Failures in a row after which a place that cannot be asked does not count as one that a file can be had from.
constexpr unsigned kPatience = 6;

constexpr auto kListRequest = std::chrono::seconds(60);
constexpr auto kHeadRequest = std::chrono::seconds(30);

}  // namespace

std::optional<Clock::time_point> Keeper::nextAudit(Clock::time_point now) const {
    const auto interval = setup_.settings.auditInterval;
    if (interval.count() <= 0) return std::nullopt;
    return now + interval - std::chrono::duration_cast<Clock::duration>(interval * (setup_.random() / 10));
}

bool Keeper::startAudit(const FileAttributes& attributes) {
    const auto now = setup_.now();
    audit_.dirty = false;
    if (findings_.empty()) {
        if (!audit_.at || *audit_.at > now) return false;
        startListing();
        return true;
    }
    const Finding finding = findings_.front();
    const bool held = inventory_.find(finding.file.id) != nullptr;
    if (held == (finding.trouble == Trouble::Unknown)) {
        settled();  // it has arrived or left meanwhile
        return false;
    }
    if (finding.confirmed) return startMending(finding, attributes);
    startInspection(finding);
    return true;
}

void Keeper::startListing() {
    changed_.emplace();
    start([this] { return setup_.store->listAll(kListRequest, cancellation_.token()); },
          [this](const std::vector<replica::FileInfo>& listing, const Failure& failure) { listed(listing, failure); });
}

void Keeper::listed(const std::vector<replica::FileInfo>& listing, const Failure& failure) {
    const auto changed = std::exchange(changed_, std::nullopt).value_or(std::set<replica::FileId>{});
    if (failure.error) {
        auditFailed(*failure.error);
        return;
    }
    findings_ = compare(inventory_, listing);
    std::erase_if(findings_, [&](const Finding& finding) {
        const auto& id = finding.file.id;
        if (changed.contains(id)) return true;
        return finding.trouble == Trouble::Unknown && (reported_.contains(id) || (setup_.expected && setup_.expected(id)));
    });
    ledger_.seen(listing);
    audit_ = {};
    audit_.at = nextAudit(setup_.now());
    audit_.dirty = !findings_.empty();
    log::debug("replica audited", {{"db", setup_.database}, {"replica", setup_.replica}, {"files", listing.size()}, {"findings", findings_.size()}});
}

void Keeper::startInspection(const Finding& finding) {
    const HeldFile* held = inventory_.find(finding.file.id);
    const auto size = held != nullptr ? std::optional(held->info.size) : std::nullopt;
    start([this, finding, size] { return inspect(finding, size); },
          [this, finding](const Inspected& seen, const Failure& failure) { inspected(finding, seen, failure); });
}

Keeper::Inspected Keeper::inspect(const Finding& finding, std::optional<std::uint64_t> size) {
    const auto& id = finding.file.id;
    const auto there = setup_.store->transport().head(setup_.store->layout().key(id), CallContext::within(kHeadRequest, cancellation_.token()));
    const replica::FileInfo file{id, there.size, finding.file.timestamp};
    if (finding.trouble != Trouble::Touched && size == there.size) return {file};
    const auto found = readTwice(
        [&] { return readWhole(*setup_.store, file, setup_.codecs, std::nullopt, transferContext(file.size, cancellation_.token())); });
    return {file, true, found.fileChecksum, found.nodeId};
}

void Keeper::inspected(const Finding& finding, const Inspected& seen, const Failure& failure) {
    if (failure.error) {
        notSound(finding, *failure.error);
    } else if (!seen.read) {
        settled();  // the listing was wrong
    } else if (finding.trouble == Trouble::Unknown) {
        judgeUnknown(finding, seen);
    } else {
        judgeKnown(finding, seen);
    }
}

void Keeper::notSound(const Finding& finding, const Error& error) {
    const bool absent = error.code() == ErrorCode::NotFound;
    if (!absent && error.code() != ErrorCode::Corrupt && error.code() != ErrorCode::Unsupported) {
        auditFailed(error);
    } else if (finding.trouble == Trouble::Unknown) {
        if (!absent) reportUnknown(finding, error.what());
        if (error.code() == ErrorCode::Corrupt) unsound_.insert(finding.file.id);
        settled();
    } else {
        confirm(absent ? Trouble::Missing : Trouble::Damaged, absent ? "missing" : error.what());
    }
}

void Keeper::confirm(Trouble trouble, const std::string& reason) {
    Finding& finding = findings_.front();
    finding.trouble = trouble;
    finding.reason = reason;
    finding.confirmed = true;
    audit_.dirty = true;
}

void Keeper::judgeKnown(const Finding& finding, const Inspected& seen) {
    HeldFile held = *inventory_.find(finding.file.id);
    const auto& expected = held.evidence.fileChecksum;
    if (seen.file.size != held.info.size || (expected && *expected != seen.fileChecksum)) {
        const std::uint64_t lineage = setup_.lineage ? setup_.lineage() : seen.nodeId;
        if (held.info.id.level == replica::kLevel0 && seen.nodeId != lineage) {
            anotherWriter(finding);
        } else {
            confirm(Trouble::Damaged, "another file than the one that was stored");
        }
        return;
    }
    settled();
    held.evidence.fileChecksum = seen.fileChecksum;
    held.seen = finding.listed;
    held.verified = true;
    ledger_.add(held);
}

void Keeper::judgeUnknown(const Finding& finding, const Inspected& seen) {
    const auto& id = finding.file.id;
    const std::uint64_t lineage = setup_.lineage ? setup_.lineage() : 0;
    // Merges have no lineage.
    const bool whole = id.level == replica::kLevel0 || id.level == replica::kSnapshotLevel;
    const bool ours = whole && lineage != 0 && seen.nodeId == lineage;
    // Another program may have merged what it then deleted, while we were away.
    const bool standsIn = id.level != replica::kLevel0 && std::ranges::any_of(findings_, [&](const Finding& other) {
        const auto& range = other.file.id.range;
        return other.trouble == Trouble::Missing && range.min >= id.range.min && range.max <= id.range.max;
    });
    const Inventory alone(std::span(&seen.file, 1), setup_.store->capabilities().listsTimestamp, setup_.wall(), setup_.now());
    const HeldFile* file = alone.find(id);
    if (file != nullptr && (ours || standsIn || ledger_.wasBegun(id))) {
        HeldFile held = *file;
        held.verified = true;
        held.evidence.fileChecksum = seen.fileChecksum;
        log::debug("replica file taken up", {{"db", setup_.database}, {"replica", setup_.replica}, {"file", setup_.store->layout().key(id)}});
        ledger_.add(held);
        settled();
        return;
    }
    if (lineage != 0 && id.level == replica::kLevel0 && id.range.max > inventory_.reach(0)) {
        anotherWriter(finding);
        return;
    }
    settled();
    reportUnknown(finding, "sound, and not ours");
}

void Keeper::anotherWriter(const Finding& finding) {
    settled();
    setup_.conflict(setup_.store->layout().key(finding.file.id) + " is of another writer");
}

void Keeper::reportUnknown(const Finding& finding, const std::string& reason) {
    if (!reported_.insert(finding.file.id).second) return;
    log::warn("unknown object in the replica", {{"db", setup_.database}, {"replica", setup_.replica},
                                                {"file", setup_.store->layout().key(finding.file.id)}, {"size", finding.file.size}, {"reason", reason}});
}

bool Keeper::startMending(const Finding& finding, const FileAttributes& attributes) {
    const auto& id = finding.file.id;
    // A damaged file is in the way of whoever restores, even where another one holds the same.
    std::set<replica::FileId> doubtful;
    for (const Finding& other : findings_) doubtful.insert(other.file.id);
    if (finding.trouble == Trouble::Missing && !needed(inventory_, id, doubtful)) {
        log::warn("replica file gone", {{"db", setup_.database}, {"replica", setup_.replica}, {"file", setup_.store->layout().key(id)},
                                        {"reason", "missing, and nothing needs it"}});
        ledger_.remove(id);
        settled();
        return false;
    }
    const auto donors = setup_.donors ? setup_.donors(id, *inventory_.find(id)) : std::vector<Donor>{};
    if (donors.empty()) {
        lost(finding, finding.reason);
        return false;
    }
    start([this, finding, donors, attributes, patient = audit_.failures < kPatience] { return mend(finding, donors, attributes, patient); },
          [this, finding](const Mended& result, const Failure& failure) { mended(finding, result, failure); });
    return true;
}

Keeper::Mended Keeper::mend(const Finding& finding, const std::vector<Donor>& donors, const FileAttributes& attributes, bool patient) {
    const auto& id = finding.file.id;
    const bool absent = finding.trouble == Trouble::Missing && setup_.store->capabilities().conditionalPut;
    Mended result;
    std::optional<Error> later;
    for (const Donor& donor : donors) {
        // Twice where it is damaged: a bit may have flipped on the way.
        for (bool again : {false, true}) {
            const CallContext context = transferContext(2 * donor.size, cancellation_.token());
            std::optional<VerifiedBody> body;
            try {
                body.emplace(donor, id, setup_.codecs, context);
                const Timestamp timestamp = body->header().timestamp;
                setup_.store->put(id, *body, {timestamp, absent, attributes}, context);
                return {{id, donor.size, timestamp}, body->fileChecksum(), donor.name, {}};
            } catch (const Error& error) {
                if (body && !body->failure()) throw;
                const Error cause = body ? *body->failure() : error;
                result.why = cause.what();
                if (cause.code() == ErrorCode::Corrupt && !again) continue;
                if (!isLost(cause)) later = cause;
                break;
            }
        }
    }
    if (later && patient) throw *later;
    return result;
}

void Keeper::mended(const Finding& finding, const Mended& result, const Failure& failure) {
    const auto& id = finding.file.id;
    if (failure.error) {
        if (failure.error->code() == ErrorCode::Conflict) findings_.front() = {Trouble::Touched, finding.file};  // it is there again
        auditFailed(*failure.error);
        return;
    }
    if (result.from.empty()) {
        lost(finding, finding.reason + "; " + result.why);
        return;
    }
    if (const HeldFile* known = inventory_.find(id)) {
        HeldFile held = *known;
        held.info = result.file;
        held.stored = setup_.now();
        held.verified = true;
        held.evidence.fileChecksum = result.fileChecksum;
        held.seen = seenAfterPut(result.file);
        ledger_.add(held);
    }
    log::warn("replica file mended", {{"db", setup_.database}, {"replica", setup_.replica}, {"file", setup_.store->layout().key(id)},
                                      {"reason", std::string(describe(finding.trouble))}, {"from", result.from}});
    settled();
}

bool Keeper::bridged(const replica::FileId& file) const {
    const auto& snapshots = inventory_.level(replica::kSnapshotLevel.value);
    return std::ranges::any_of(snapshots, [&](const auto& entry) {
        const auto& id = entry.second.info.id;
        return id != file && id.range.max >= file.range.max && std::ranges::none_of(findings_, [&](const Finding& other) { return other.file.id == id; });
    });
}

void Keeper::lost(const Finding& finding, const std::string& reason) {
    const auto& id = finding.file.id;
    const std::string key = setup_.store->layout().key(id);
    log::write(audit_.failures == 0 ? log::Level::Error : log::Level::Debug, "replica file lost",
               {{"db", setup_.database}, {"replica", setup_.replica}, {"file", key}, {"error", reason}});
    // States behind it come from a new snapshot.
    const bool bridge = !bridged(id);
    if (bridge && !setup_.needsDatabase(key + ": " + reason)) {
        audit_.failed(setup_.now(), kFirstWait, kLongestWait);
        return;
    }
    ledger_.remove(id);
    if (finding.trouble == Trouble::Damaged) unsound_.insert(id);
    takeBack(id);
    settled();
    if (!bridge && id.level == replica::kLevel0 && inventory_.level(0).empty() && setup_.needsAnchor) setup_.needsAnchor();
}

void Keeper::settled() {
    findings_.erase(findings_.begin());
    audit_.failures = 0;
    audit_.notBefore = {};
    audit_.dirty = jobs_.dirty = deletions_.dirty = true;
}

void Keeper::auditFailed(const Error& error) {
    const bool first = audit_.failures == 0;
    audit_.failed(setup_.now(), kFirstWait, kLongestWait);
    log::write(first ? log::Level::Warn : log::Level::Debug, "audit failed",
               {{"db", setup_.database}, {"replica", setup_.replica}, {"error", error.what()}, {"backoff", audit_.notBefore - setup_.now()}});
}

}  // namespace litestream::levels
