#pragma once

#include "config/YamlValues.h"

namespace litestream::config {

/// The `snapshot` blocks of a file's databases. They have no effect yet, but upstream has one setting for all, and so refuses two.
class YamlSnapshots {
public:
    explicit YamlSnapshots(YamlValues& values) : values_(values) {}
    /// Returns the settings that are given, by key.
    std::map<std::string, std::chrono::nanoseconds> check(const YamlField& block);
    /// The same for the block of one database.
    void check(const YamlField& block, const std::string& database);

private:
    YamlValues& values_;
    std::map<std::string, std::pair<std::string, std::chrono::nanoseconds>>
        first_;  ///< by key: the database that said it first
};

/// One entry of `dbs`.
Database readYamlDatabase(YamlValues& values, const YamlField& entry, YamlSnapshots& snapshots);

/// A key that a block does not know by itself: known ones are checked for their type. Nothing when the value is null or of a wrong type,
/// or no plugin could take it.
std::optional<PluginOption> readYamlOption(YamlValues& values, KeyPlace place, const YamlField& field);

/// The block `age`, wherever it stands.
void refuseYamlAge(YamlValues& values, const YamlField& block);

}  // namespace litestream::config
