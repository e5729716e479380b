#include "levels/Retention.h"

#include <algorithm>
#include <set>

namespace litestream::levels {

namespace {

constexpr std::uint32_t kSnapshots = replica::kSnapshotLevel.value;

void earlier(std::optional<Clock::time_point>& at, Clock::time_point candidate) {
    if (!at || candidate < *at) at = candidate;
}

/// How far the files of levels 0 to 8 lead behind `from`, those in `without` left out.
Txid reachFrom(const std::vector<replica::FileId>& byMin, Txid from, const std::set<replica::FileId>& without) {
    Txid reached = from;
    for (const auto& file : byMin) {
        if (file.range.min > reached.next()) break;
        if (file.range.max > reached && !without.contains(file)) reached = file.range.max;
    }
    return reached;
}

class Retention {
public:
    Retention(const Inventory& inventory, const Settings& settings, Clock::time_point now)
        : inventory_(inventory), settings_(settings), now_(now) {}

    Deletions decide() {
        if (!settings_.deletes) return {};
        findAnchor();
        if (anchor_ != nullptr) behindAnchor();
        if (settings_.levelZeroRetention.count() > 0) levelZero();
        if (chosen_.empty() || losesSomething()) return {{}, {}, at_};
        Deletions result{{chosen_.begin(), chosen_.end()}, {}, at_};
        for (const auto& [id, file] : relies_) result.relies.push_back(file);
        return result;
    }

private:
    void findAnchor() {
        const auto& snapshots = inventory_.level(kSnapshots);
        bool newest = true;
        // They all begin at TXID 1, so the order of the map is that of their ends.
        for (auto entry = snapshots.rbegin(); entry != snapshots.rend(); ++entry) {
            if (std::exchange(newest, false)) continue;
            const auto due = entry->second.content + settings_.snapshotRetention + settings_.grace();
            if (due <= now_) {
                anchor_ = &entry->second;
                return;
            }
            // Once it is an anchor, what is before it can go.
            earlier(at_, due);
        }
    }

    void behindAnchor() {
        const Txid end = anchor_->info.id.range.max;
        for (const auto& [range, file] : inventory_.level(kSnapshots)) {
            if (range.max < end) choose(file, *anchor_);
        }
        for (std::uint32_t number = 0; number < kSnapshots; ++number) {
            if (number == 0 && settings_.levelZeroRetention.count() <= 0) continue;  // asked to keep level 0
            for (const auto& [range, file] : inventory_.level(number)) {
                if (range.max <= end && range.max != inventory_.reach(number)) choose(file, *anchor_);
            }
        }
    }

    void levelZero() {
        for (const auto& [range, file] : inventory_.level(0)) {
            if (range.max == inventory_.reach(0) || chosen_.contains(file.info.id)) continue;
            const HeldFile* heir = heirOf(range);
            if (heir == nullptr) continue;
            const auto due = heir->stored + settings_.levelZeroRetention;
            if (due <= now_) {
                choose(file, *heir);
            } else {
                earlier(at_, due);
            }
        }
    }

    /// The file that makes a level-0 file superfluous: a merge that holds it, or a snapshot of the same state.
    const HeldFile* heirOf(const ltx::TxidRange& range) const {
        for (std::uint32_t number = 1; number < kSnapshots; ++number) {
            const auto& level = inventory_.level(number);
            auto after = level.upper_bound({range.min, Txid{UINT64_MAX}});
            if (after == level.begin()) continue;
            --after;
            if (after->first.max >= range.max) return &after->second;
        }
        return inventory_.snapshotAt(range.max);
    }

    void choose(const HeldFile& file, const HeldFile& heir) {
        chosen_.insert(file.info.id);
        if (!heir.verified) relies_.emplace(heir.info.id, heir.info);
    }

    /// Compares before and after: no snapshot that stays may reach less far on the way to the next one. Without an anchor the chain that begins without a
    /// snapshot counts, too.
    bool losesSomething() const {
        std::vector<replica::FileId> steps;
        for (std::uint32_t number = 0; number < kSnapshots; ++number) {
            for (const auto& [range, file] : inventory_.level(number)) steps.push_back(file.info.id);
        }
        std::sort(steps.begin(), steps.end(), [](const auto& a, const auto& b) { return a.range < b.range; });
        std::vector<Txid> bases;
        if (anchor_ == nullptr) bases.push_back({});
        for (const auto& [range, file] : inventory_.level(kSnapshots)) {
            if (!chosen_.contains(file.info.id)) bases.push_back(range.max);
        }
        for (std::size_t i = 0; i < bases.size(); ++i) {
            const Txid enough{i + 1 < bases.size() ? bases[i + 1].value - 1 : UINT64_MAX};
            if (std::min(reachFrom(steps, bases[i], chosen_), enough) < std::min(reachFrom(steps, bases[i], {}), enough)) return true;
        }
        return false;
    }

    const Inventory& inventory_;
    const Settings& settings_;
    const Clock::time_point now_;
    const HeldFile* anchor_ = nullptr;
    std::set<replica::FileId> chosen_;
    std::map<replica::FileId, replica::FileInfo> relies_;
    std::optional<Clock::time_point> at_;
};

}  // namespace

Deletions deletable(const Inventory& inventory, const Settings& settings, Clock::time_point now) {
    return Retention(inventory, settings, now).decide();
}

}  // namespace litestream::levels
