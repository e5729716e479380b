#pragma once

#include "levels/Settings.h"

#include <chrono>
#include <string>
#include <string_view>

/// Levels, snapshots and retention in a configuration: both kinds of files have the same keys and the same rules for their values.
namespace litestream::config {

/// One duration of levels::Settings, by the name of its key with dots: "snapshot.interval".
struct LevelKey {
    std::string_view name;
    std::chrono::nanoseconds& (*target)(levels::Settings&);
    std::string_view rule;
    std::chrono::nanoseconds least;
};

/// Null when there is no such key.
const LevelKey* findLevelKey(std::string_view name);

/// Sets the value, or zero for a negative one that the rule allows. Throws Error(InvalidArgument) "KEY: RULE (got VALUE)" when it breaks its rule.
void setLevelKey(levels::Settings& settings, const LevelKey& key, std::chrono::nanoseconds value);

/// Sets the intervals of level 1, 2, ... Throws Error(InvalidArgument) naming the one that breaks a rule.
void setLevels(levels::Settings& settings, const std::vector<std::chrono::nanoseconds>& intervals);

/// What is said once when nothing is deleted.
inline constexpr std::string_view kRetentionDisabled =
    "retention disabled; cloud provider lifecycle policies must handle retention";

}  // namespace litestream::config
