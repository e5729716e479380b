#include "config/LevelRules.h"

#include "util/Units.h"

#include <litestream/Error.h>

namespace litestream::config {
namespace {

using namespace std::chrono_literals;
using levels::Settings;

constexpr LevelKey kKeys[] = {
    {"l0-retention", &Settings::levelZeroRetention, "l0 retention must not be negative", 0ns},
    {"l0-retention-check-interval", &Settings::checkInterval, "l0 retention check interval must be greater than 0", 1ns},
    {"snapshot.interval", &Settings::snapshotInterval, "snapshot interval must be greater than 0", 1ns},
    {"snapshot.retention", &Settings::snapshotRetention, "snapshot retention must be greater than 0", 1ns},
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
    settings.*key.target = value;
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
