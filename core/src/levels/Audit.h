#pragma once

#include "levels/Inventory.h"

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace litestream::levels {

/// What is not as it should be with one file of a replica.
enum class Trouble {
    Unknown,  ///< it is there and we know nothing of it
    Touched,  ///< its size is the same and its time is not: perhaps it was replaced
    Resized,  ///< it has another size
    Missing,
    Damaged,  ///< it was read, and is not what it was
};
std::string_view describe(Trouble trouble) noexcept;

struct Finding {
    Trouble trouble;
    replica::FileInfo file;             ///< as listed; what is not listed as it was
    std::optional<Timestamp> listed{};  ///< its time in the listing
    bool confirmed = false;             ///< the file itself was looked at: a listing may have suffered on its way
    std::string reason{};               ///< what was seen in it
};

/// Whether a listing, sorted by file, names a file.
bool lists(std::span<const replica::FileInfo> listing, const replica::FileId& file);

/// Compares what a replica holds with what it should hold: findings by trouble. `listing` is sorted by file. Pure.
std::vector<Finding> compare(const Inventory& inventory, std::span<const replica::FileInfo> listing);

/// Whether something that can be restored with a file of the inventory cannot be without it: the newest state, one of another file, or - by upstream's
/// daemon, which goes on from there - anything, because it is the newest file of level 0. Other files of level 0 do not count where a merge holds them
/// that is not in `doubtful`: they are about to go anyway. Pure.
bool needed(const Inventory& inventory, const replica::FileId& file, const std::set<replica::FileId>& doubtful = {});

}  // namespace litestream::levels
