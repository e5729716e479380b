#include "levels/Audit.h"

#include <algorithm>
#include <set>

namespace litestream::levels {

namespace {

/// Every TXID up to which the files lead, some snapshot (or TXID 1) first.
std::set<Txid> restorable(std::vector<replica::FileInfo> files) {
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.id.range.max < b.id.range.max; });
    std::set<Txid> ends{Txid{}};
    for (const auto& file : files) {
        // It goes on from a state that ends just before it, or within it.
        const auto from = ends.lower_bound(Txid{file.id.range.min.value - 1});
        if (from != ends.end() && *from < file.id.range.max) ends.insert(file.id.range.max);
    }
    return ends;
}

bool within(const std::vector<ltx::TxidRange>& merged, const ltx::TxidRange& range) {
    return std::any_of(merged.begin(), merged.end(), [&](const auto& whole) { return whole.min <= range.min && whole.max >= range.max; });
}

}  // namespace

std::string_view describe(Trouble trouble) noexcept {
    switch (trouble) {
        case Trouble::Unknown: return "unknown";
        case Trouble::Touched: return "replaced";
        case Trouble::Resized: return "of another size";
        case Trouble::Missing: return "missing";
        case Trouble::Damaged: return "damaged";
    }
    return "";
}

bool lists(std::span<const replica::FileInfo> listing, const replica::FileId& file) {
    const auto found = std::lower_bound(listing.begin(), listing.end(), file, [](const auto& a, const auto& id) { return a.id < id; });
    return found != listing.end() && found->id == file;
}

std::vector<Finding> compare(const Inventory& inventory, std::span<const replica::FileInfo> listing) {
    std::vector<Finding> findings;
    for (const auto& listed : listing) {
        const HeldFile* held = inventory.find(listed.id);
        if (held == nullptr) {
            findings.push_back({Trouble::Unknown, listed, listed.timestamp});
        } else if (held->info.size != listed.size) {
            findings.push_back({Trouble::Resized, listed, listed.timestamp});
        } else if (held->seen && *held->seen != listed.timestamp) {
            findings.push_back({Trouble::Touched, listed, listed.timestamp});
        }
    }
    for (const auto& file : inventory.all()) {
        if (!lists(listing, file.id)) findings.push_back({Trouble::Missing, file});
    }
    // Of what is missing merges first: whether files of level 0 are needed follows from what becomes of them.
    std::stable_sort(findings.begin(), findings.end(), [](const auto& a, const auto& b) {
        if (a.trouble != b.trouble || a.trouble != Trouble::Missing) return a.trouble < b.trouble;
        return a.file.id.level > b.file.id.level;
    });
    return findings;
}

bool needed(const Inventory& inventory, const replica::FileId& file, const std::set<replica::FileId>& doubtful) {
    if (file.level == replica::kLevel0 && file.range.max == inventory.reach(0)) return true;
    std::vector<replica::FileInfo> files = inventory.all();
    std::vector<ltx::TxidRange> merged;
    for (const auto& other : files) {
        const bool merge = other.id.level != replica::kLevel0 && other.id.level != replica::kSnapshotLevel;
        if (merge && !doubtful.contains(other.id)) merged.push_back(other.id.range);
    }
    std::erase_if(files, [&](const auto& other) { return other.id.level == replica::kLevel0 && within(merged, other.id.range); });
    const auto with = restorable(files);
    std::erase_if(files, [&](const auto& other) { return other.id == file; });
    const auto without = restorable(files);
    if (*without.rbegin() != *with.rbegin()) return true;
    // Both are ascending, and the second is a part of the first.
    std::vector<Txid> lost;
    std::set_difference(with.begin(), with.end(), without.begin(), without.end(), std::back_inserter(lost));
    return std::any_of(lost.begin(), lost.end(), [&](Txid end) { return end != file.range.max; });
}

}  // namespace litestream::levels
