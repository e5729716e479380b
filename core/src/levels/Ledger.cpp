#include "levels/Ledger.h"

#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>
#include <utility>

namespace litestream::levels {

namespace {

/// A file is written whole again when it has this many records more than twice what it needs.
constexpr std::size_t kSlack = 512;

Clock::time_point steady(Timestamp wall, Timestamp wallNow, Clock::time_point now) {
    return now - std::chrono::milliseconds(std::max<std::int64_t>(0, wallNow.milliseconds - wall.milliseconds));
}

Timestamp byWall(Clock::time_point then, Timestamp wallNow, Clock::time_point now) {
    return {wallNow.milliseconds - (now - then) / std::chrono::milliseconds(1)};
}

HeldFile heldFile(const RecordedFile& file, Timestamp wallNow, Clock::time_point now) {
    HeldFile held{file.info, steady(file.content, wallNow, now), steady(file.stored, wallNow, now), file.verified, file.evidence};
    if (file.seen.milliseconds != 0) held.seen = file.seen;
    return held;
}

}  // namespace

Inventory inventoryOf(const InventoryFile::Contents& contents, Timestamp wallNow, Clock::time_point now) {
    Inventory inventory;
    for (const auto& [id, file] : contents.files) inventory.add(heldFile(file, wallNow, now));
    inventory.prove(contents.proven);
    return inventory;
}

std::vector<Finding> Ledger::open(std::span<const replica::FileInfo> listing, bool timestampsAreContent, Timestamp wallNow) {
    InventoryFile::Contents known;
    try {
        known = file_.load();
    } catch (const Error& error) {
        log::warn("inventory not read", {{"error", error.what()}});
    }
    if (!known.complete) {
        startOver(listing, timestampsAreContent, wallNow);
        merge(known, listing, timestampsAreContent, wallNow);
        rewrite();
        return {};
    }
    std::erase_if(known.files, [&](const auto& entry) { return entry.second.leaving && !lists(listing, entry.first); });
    inventory_ = inventoryOf(known, wallNow, clocks_.now());
    begun_ = std::move(known.begun);
    leaving_.clear();
    for (const auto& [id, file] : known.files) {
        if (file.leaving) leaving_.insert(id);
    }
    take(listing);
    rewrite();
    return compare(inventory_, listing);
}

void Ledger::merge(const InventoryFile::Contents& known, std::span<const replica::FileInfo> listing, bool timestampsAreContent, Timestamp wallNow) {
    // Its end is missing, so it tells of files that are there, and nothing about others.
    const Inventory before = inventoryOf(known, wallNow, clocks_.now());
    for (const auto& info : listing) {
        const HeldFile* held = before.find(info.id);
        if (held == nullptr || held->info.size != info.size || (timestampsAreContent && held->seen != info.timestamp)) continue;
        inventory_.add(*held);
    }
    if (known.exists) inventory_.prove(known.proven);
}

void Ledger::begin(std::span<const replica::FileInfo> listing, bool timestampsAreContent, Timestamp wallNow) {
    startOver(listing, timestampsAreContent, wallNow);
    rewrite();
}

void Ledger::startOver(std::span<const replica::FileInfo> listing, bool timestampsAreContent, Timestamp wallNow) {
    inventory_ = Inventory(listing, timestampsAreContent, wallNow, clocks_.now());
    leaving_.clear();
    begun_.clear();
}

/// Writes a change down, or everything where the file is not there or has grown.
template <class Change>
void Ledger::record(Change change) {
    if (!file_.enabled()) return;
    if (lost_ || file_.appended() > inventory_.size() + kSlack) {
        rewrite();
        return;
    }
    try {
        change();
    } catch (const Error& error) {
        giveUp(error);
    }
}

void Ledger::giveUp(const Error& error) {
    if (!std::exchange(failing_, true)) log::warn("inventory not written", {{"error", error.what()}});
    file_.remove();
    lost_ = true;
}

void Ledger::rewrite() {
    try {
        file_.reset(contents());
        lost_ = failing_ = false;
    } catch (const Error& error) {
        giveUp(error);
    }
}

RecordedFile Ledger::recorded(const HeldFile& file) const {
    const auto now = clocks_.now();
    const auto wall = clocks_.wall();
    return {file.info, byWall(file.content, wall, now), byWall(file.stored, wall, now), file.seen.value_or(Timestamp{}), file.verified,
            leaving_.contains(file.info.id), file.evidence};
}

InventoryFile::Contents Ledger::contents() const {
    InventoryFile::Contents all;
    for (std::uint32_t level = 0; level <= replica::kSnapshotLevel.value; ++level) {
        for (const auto& [range, file] : inventory_.level(level)) all.files.emplace(file.info.id, recorded(file));
    }
    all.begun = begun_;
    all.proven = inventory_.proven();
    return all;
}

void Ledger::add(const HeldFile& file) {
    inventory_.add(file);
    begun_.erase(file.info.id);
    leaving_.erase(file.info.id);
    record([&] { file_.held(recorded(file)); });
}

void Ledger::remove(const replica::FileId& file) {
    inventory_.remove(file);
    begun_.erase(file);
    leaving_.erase(file);
    record([&] { file_.gone(file); });
}

void Ledger::verified(const replica::FileId& file) {
    inventory_.verified(file);
    if (const HeldFile* held = inventory_.find(file)) record([&] { file_.held(recorded(*held)); });
}

void Ledger::expect(Txid txid, std::optional<std::uint64_t> digest) {
    // Most digests come before their file, which then brings them along.
    if (inventory_.expect(txid, digest)) record([&] { file_.expect(txid, digest); });
}

void Ledger::forgetDigests() {
    inventory_.forgetDigests();
    rewrite();
}

void Ledger::know(const replica::FileId& file, std::uint64_t fileChecksum) {
    const HeldFile* held = inventory_.find(file);
    if (held == nullptr || held->evidence.fileChecksum == fileChecksum) return;
    inventory_.know(file, fileChecksum);
    record([&] { file_.held(recorded(*held)); });
}

void Ledger::prove(const Proven& proven) {
    inventory_.prove(proven);
    record([&] { file_.proven(proven); });
}

void Ledger::leaving(std::span<const replica::FileId> files) {
    leaving_.insert(files.begin(), files.end());
    record([&] { file_.leaving(files); });
}

void Ledger::begun(const replica::FileId& file) {
    if (!begun_.insert(file).second) return;
    record([&] { file_.begun(file); });
}

void Ledger::seen(std::span<const replica::FileInfo> listing) {
    if (take(listing)) rewrite();
}

bool Ledger::take(std::span<const replica::FileInfo> listing) {
    bool changed = false;
    for (const auto& info : listing) {
        const HeldFile* held = inventory_.find(info.id);
        if (held == nullptr || held->seen || held->info.size != info.size) continue;
        inventory_.seen(info.id, info.timestamp);
        changed = true;
    }
    // What a job was to make and is not there will not come any more.
    return std::erase_if(begun_, [&](const auto& file) { return !lists(listing, file); }) > 0 || changed;
}

void Ledger::close() {
    if (lost_ || !file_.enabled()) return;
    try {
        file_.close();
    } catch (const Error& error) {
        log::debug("inventory not flushed", {{"error", error.what()}});
    }
}

}  // namespace litestream::levels
