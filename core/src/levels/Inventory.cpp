#include "levels/Inventory.h"

#include <algorithm>

namespace litestream::levels {

Inventory::Inventory(std::span<const replica::FileInfo> listing, bool timestampsAreContent, Timestamp wallNow,
                     Clock::time_point now) {
    for (const auto& info : listing) {
        const std::int64_t age = std::max<std::int64_t>(0, wallNow.milliseconds - info.timestamp.milliseconds);
        const auto made = now - std::chrono::milliseconds(age);
        add({info, made, timestampsAreContent ? now : made, false, {}, info.timestamp});
    }
}

void Inventory::add(const HeldFile& file) {
    const auto level = file.info.id.level.value;
    // A snapshot begins at TXID 1 by definition; what else lies at its level is nothing to build on.
    if (level == replica::kSnapshotLevel.value && file.info.id.range.min != Txid{1}) return;
    levels_.at(level).insert_or_assign(file.info.id.range, file);
    reach_.at(level) = std::max(reach_.at(level), file.info.id.range.max);
}

void Inventory::remove(const replica::FileId& id) {
    Level& level = levels_.at(id.level.value);
    if (level.erase(id.range) == 0 || id.range.max != reach(id.level.value)) return;
    Txid reached;
    for (const auto& [range, file] : level) reached = std::max(reached, range.max);
    reach_.at(id.level.value) = reached;
}

HeldFile* Inventory::edit(const replica::FileId& id) {
    Level& level = levels_.at(id.level.value);
    const auto found = level.find(id.range);
    return found == level.end() ? nullptr : &found->second;
}

void Inventory::verified(const replica::FileId& id) {
    if (HeldFile* file = edit(id)) file->verified = true;
}

void Inventory::seen(const replica::FileId& id, Timestamp time) {
    if (HeldFile* file = edit(id)) file->seen = time;
}

bool Inventory::expect(Txid txid, std::optional<std::uint64_t> digest) {
    bool changed = false;
    for (Level& level : levels_) {
        // Within a level later ranges end later, but for what another writer left.
        for (auto file = level.rbegin(); file != level.rend() && file->first.max >= txid; ++file) {
            if (file->first.max != txid) continue;
            changed = changed || file->second.evidence.digest != digest;
            file->second.evidence.digest = digest;
        }
    }
    return changed;
}

void Inventory::forgetDigests() {
    for (Level& level : levels_) {
        for (auto& [range, file] : level) file.evidence.digest.reset();
    }
    proven_ = {};
}

void Inventory::know(const replica::FileId& id, std::uint64_t fileChecksum) {
    if (HeldFile* file = edit(id)) file->evidence.fileChecksum = fileChecksum;
}

const HeldFile* Inventory::find(const replica::FileId& id) const {
    const Level& level = levels_.at(id.level.value);
    const auto found = level.find(id.range);
    return found == level.end() ? nullptr : &found->second;
}

Txid Inventory::newest() const { return *std::max_element(reach_.begin(), reach_.end()); }

std::uint64_t Inventory::bytes() const {
    std::uint64_t sum = 0;
    for (const Level& level : levels_) {
        for (const auto& [range, file] : level) sum += file.info.size;
    }
    return sum;
}

std::size_t Inventory::size() const {
    std::size_t count = 0;
    for (const Level& level : levels_) count += level.size();
    return count;
}

std::vector<replica::FileInfo> Inventory::all() const {
    std::vector<replica::FileInfo> files;
    files.reserve(size());
    for (const Level& level : levels_) {
        for (const auto& [range, file] : level) files.push_back(file.info);
    }
    return files;
}

const HeldFile* Inventory::newestSnapshot() const {
    const Level& snapshots = level(replica::kSnapshotLevel.value);
    return snapshots.empty() ? nullptr : &snapshots.rbegin()->second;
}

const HeldFile* Inventory::snapshotAt(Txid txid) const { return find({replica::kSnapshotLevel, {Txid{1}, txid}}); }

}  // namespace litestream::levels
