#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace litestream::levels {

/// How a replica is kept small. Intervals are measured by a steady clock; the wall clock tells only how old a file is that was there before us.
struct Settings {
    using Duration = std::chrono::nanoseconds;

    /// Of level 1, 2, ...: files of the level below wait at most this long to be merged. At most eight; none = no levels between 0 and 9.
    std::vector<Duration> levels{std::chrono::seconds(30), std::chrono::minutes(5), std::chrono::hours(1)};
    /// Least distance between two snapshots; zero = none are made.
    Duration snapshotInterval = std::chrono::hours(24);
    /// Every state that was the newest one within this time stays restorable.
    Duration snapshotRetention = std::chrono::hours(24);
    /// How long a level-0 file stays after a higher level has taken it over; zero = for ever.
    Duration levelZeroRetention = std::chrono::minutes(5);
    /// Least distance between two requests that delete.
    Duration checkInterval = std::chrono::seconds(15);
    /// False: nothing is deleted.
    bool deletes = true;
    /// How often the replica is listed and compared with what it should hold, up to a tenth sooner; zero = never.
    Duration auditInterval = std::chrono::hours(24);
    /// How often every file is read and the newest state is proven; zero = never. A snapshot that is merged is proven in passing.
    Duration validationInterval{0};
    /// How often a state is restored into a file and checked there by SQLite.
    struct VerifyRestore {
        Duration interval{0};             ///< zero = never
        std::filesystem::path directory;  ///< empty = the database's metadata directory
        std::uint64_t mostBytes = 1u << 30;  ///< larger databases are not restored
    };
    VerifyRestore verifyRestore{};

    /// How long files stay behind the retention, for a restore that is reading them.
    Duration grace() const { return std::min<Duration>(std::chrono::hours(1), snapshotRetention / 4); }
};

/// Files that are merged into one at most: each one that is being read has buffers of half a mebibyte.
inline constexpr std::size_t kMostInputs = 64;

}  // namespace litestream::levels
