#include "config/LevelRules.h"

#include "util/Units.h"

#include <litestream/Error.h>

#include <algorithm>

namespace litestream::config {
namespace {

using namespace std::chrono_literals;
using levels::Settings;
using std::chrono::nanoseconds;

template <auto Member>
nanoseconds& member(Settings& settings) {
    return settings.*Member;
}

nanoseconds& verifyRestoreInterval(Settings& settings) { return settings.verifyRestore.interval; }

constexpr LevelKey kKeys[] = {
    {"audit-interval", member<&Settings::auditInterval>, "audit interval must not be negative", 0ns},
    {"l0-retention", member<&Settings::levelZeroRetention>, "l0 retention must not be negative", 0ns},
    {"l0-retention-check-interval", member<&Settings::checkInterval>, "l0 retention check interval must be greater than 0", 1ns},
    {"snapshot.interval", member<&Settings::snapshotInterval>, "snapshot interval must be greater than 0", 1ns},
    {"snapshot.retention", member<&Settings::snapshotRetention>, "snapshot retention must be greater than 0", 1ns},
    {"validation.interval", member<&Settings::validationInterval>, {}, nanoseconds::min()},
    {"verify-restore.interval", verifyRestoreInterval, "verify restore interval must not be negative", 0ns},
};

[[noreturn]] void refuse(const std::string& name, std::string_view rule, std::chrono::nanoseconds value) {
    throw Error(ErrorCode::InvalidArgument, name + ": " + std::string(rule) + " (got " + formatDuration(value) + ")");
}

}  // namespace

const LevelKey* findLevelKey(std::string_view name) {
    for (const LevelKey& key : kKeys) {
        if (key.name == name) return &key;
    }
    return nullptr;
}

void setLevelKey(Settings& settings, const LevelKey& key, std::chrono::nanoseconds value) {
    if (value < key.least) refuse(std::string(key.name), key.rule, value);
    key.target(settings) = std::max(value, nanoseconds(0));
}

void setLevels(Settings& settings, const std::vector<std::chrono::nanoseconds>& intervals) {
    constexpr std::size_t kMostLevels = 8;
    for (std::size_t i = 0; i < intervals.size(); ++i) {
        if (intervals[i] <= 0ns) {
            refuse("levels[" + std::to_string(i) + "].interval", "compaction interval must be greater than 0", intervals[i]);
        }
    }
    if (intervals.size() > kMostLevels) throw Error(ErrorCode::InvalidArgument, "levels: compaction level cannot exceed 8");
    settings.levels = intervals;
}

}  // namespace litestream::config
