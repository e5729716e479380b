#pragma once

#include "config/YamlValues.h"

#include <litestream/Error.h>

namespace litestream::config {

/// The `snapshot` blocks of a file: the global one, and those of databases. Upstream has one setting for all, so those of a database count
/// for all where the global block says nothing, and two of them must agree.
class YamlSnapshots {
public:
    explicit YamlSnapshots(YamlValues& values) : values_(values) {}
    void readGlobal(const YamlField& block) { global_ = read(block); }
    void readDatabase(const YamlField& block, const std::string& database);
    /// When everything has been read.
    void apply(levels::Settings& settings) const;

private:
    std::map<std::string, std::chrono::nanoseconds> read(const YamlField& block);

    YamlValues& values_;
    std::map<std::string, std::chrono::nanoseconds> global_;
    std::map<std::string, std::pair<std::string, std::chrono::nanoseconds>>
        first_;  ///< by key: the database that said it first
};

/// One entry of `dbs`.
Database readYamlDatabase(YamlValues& values, const YamlField& entry, YamlSnapshots& snapshots);

/// A key that a block does not know by itself: known ones are checked for their type. Nothing when the value is null or of a wrong type,
/// or no plugin could take it.
std::optional<PluginOption> readYamlOption(YamlValues& values, KeyPlace place, const YamlField& field);

/// Refuses the line when `action` throws an Error, with its text.
template <class Action>
void refuseYamlError(YamlValues& values, unsigned line, Action action) {
    try {
        action();
    } catch (const Error& error) {
        values.refuse(line, error.what());
    }
}

/// The block `age`, wherever it stands.
void refuseYamlAge(YamlValues& values, const YamlField& block);

}  // namespace litestream::config
