#include "config/YamlEntries.h"

#include "config/LevelRules.h"
#include "util/Paths.h"
#include "util/Units.h"

namespace litestream::config {
namespace {

using std::chrono::nanoseconds;

/// Empty means unset, as in upstream.
YamlSetter toText(YamlValues& values, std::string& target) {
    return [&](const YamlField& field) { target = values.text(field).value_or(""); };
}

YamlSetter toPath(YamlValues& values, std::filesystem::path& target) {
    return [&](const YamlField& field) {
        const std::string text = values.text(field).value_or("");
        target = text.empty() ? std::filesystem::path() : expandPath(text);
    };
}

YamlSetter toBoolean(YamlValues& values, bool& target) {
    return [&](const YamlField& field) { target = values.boolean(field).value_or(false); };
}

YamlSetter toDuration(YamlValues& values, std::optional<std::chrono::nanoseconds>& target) {
    return [&](const YamlField& field) { target = values.duration(field); };
}

Replica readReplica(YamlValues& values, const YamlField& entry, std::string label) {
    Replica replica;
    replica.label = std::move(label);
    replica.place = values.place(entry.line);
    const YamlKeys keys{{"url", toText(values, replica.url)},
                        {"type", toText(values, replica.type)},
                        {"name", toText(values, replica.name)},
                        {"sync-interval", toDuration(values, replica.syncInterval)},
                        {"retention", toDuration(values, replica.retention)},
                        {"retention-check-interval", toDuration(values, replica.retentionCheckInterval)},
                        {"snapshot-interval", toDuration(values, replica.snapshotInterval)},
                        {"validation-interval", toDuration(values, replica.validationInterval)},
                        {"auto-recover", [&](const YamlField& field) { values.boolean(field); }},  // always done
                        {"age", [&](const YamlField& field) { refuseYamlAge(values, field); }}};
    applyKeys(values, values.mapping(entry, "a replica"), keys, [&](const YamlField& field) {
        if (auto option = readYamlOption(values, KeyPlace::Replica, field))
            replica.options.push_back(std::move(*option));
    });
    // The scheme of a url says it better; upstream does not even look at the other one.
    if (!replica.url.empty()) replica.type.clear();
    if (replica.url.empty() && replica.type.empty()) replica.type = "file";
    return replica;
}

void readReplicas(YamlValues& values, const YamlField& list, Database& database) {
    unsigned index = 0;
    for (const YamlField& item : values.list(list, "a list of replicas")) {
        database.replicas.push_back(readReplica(values, item, "replicas[" + std::to_string(index++) + "]"));
    }
}

}  // namespace

std::optional<PluginOption> readYamlOption(YamlValues& values, KeyPlace place, const YamlField& field) {
    const KnownKey* known = findKnownKey(place, field.key);
    if (known == nullptr && !field.value.IsScalar()) {
        if (!field.value.IsNull()) values.warnUnknown(field, {});
        return std::nullopt;
    }
    const auto value = values.option(field, known == nullptr ? ValueType::Text : known->type);
    if (!value || value->empty()) return std::nullopt;
    PluginOption option{field.key, Secret(*value), values.place(field.line), true, {}};
    if (known != nullptr)
        option.unused = known->unused.empty() ? "replicas of this type have no such setting" : known->unused;
    return option;
}

std::map<std::string, nanoseconds> YamlSnapshots::read(const YamlField& block) {
    std::map<std::string, nanoseconds> given;
    const YamlSetter note = [&](const YamlField& field) {
        const LevelKey& key = *findLevelKey("snapshot." + field.key);
        const auto value = values_.duration(field);
        if (!value) return;
        given[std::string(key.name)] = *value;
        levels::Settings unused;
        refuseYamlError(values_, field.line, [&] { setLevelKey(unused, key, *value); });
    };
    applyKeys(values_, values_.mapping(block, "snapshot settings"), {{"interval", note}, {"retention", note}});
    return given;
}

void YamlSnapshots::readDatabase(const YamlField& block, const std::string& database) {
    for (const auto& [key, value] : read(block)) {
        const auto [earlier, isNew] = first_.try_emplace(key, database, value);
        if (isNew || earlier->second.second == value) continue;
        values_.refuse(block.line, "conflicting database snapshot " + key.substr(key.find('.') + 1) + "s: " +
                                       earlier->second.first + " has " + formatDuration(earlier->second.second) + ", " +
                                       database + " has " + formatDuration(value));
    }
}

void YamlSnapshots::apply(levels::Settings& settings) const {
    // Values that break a rule have been refused.
    for (const auto& [key, value] : global_) findLevelKey(key)->target(settings) = value;
    for (const auto& [key, value] : first_) {
        if (!global_.contains(key)) findLevelKey(key)->target(settings) = value.second;
    }
}

void refuseYamlAge(YamlValues& values, const YamlField& block) {
    const auto refuse = [&](const YamlField& field) {
        if (values.list(field, "[]string").empty()) return;
        values.refuse(field.line,
                      "age encryption is not currently supported. Remove \"age\", or nothing is replicated");
    };
    applyKeys(values, values.mapping(block, "age settings"), {{"identities", refuse}, {"recipients", refuse}});
}

Database readYamlDatabase(YamlValues& values, const YamlField& entry, YamlSnapshots& snapshots) {
    Database database;
    database.place = values.place(entry.line);
    bool one = false;
    const YamlField* snapshot = nullptr;
    const YamlKeys keys{{"name", toText(values, database.name)},
                        {"path", toPath(values, database.path)},
                        {"dir", toPath(values, database.directory.path)},
                        {"pattern", toText(values, database.directory.pattern)},
                        {"recursive", toBoolean(values, database.directory.recursive)},
                        {"watch", toBoolean(values, database.directory.watch)},
                        {"meta-path", toPath(values, database.metaPath)},
                        {"meta-dir", toPath(values, database.directory.metaPath)},
                        {"codec", toText(values, database.codec)},
                        {"sync-interval", toDuration(values, database.syncInterval)},
                        {"takeover", toBoolean(values, database.takeover)},
                        {"source",
                         [&](const YamlField& field) {
                             if (const auto source = values.text(field); source && !source->empty())
                                 database.source = *source;
                         }},
                        {"min-checkpoint-page-count",
                         [&](const YamlField& field) {
                             auto option = readYamlOption(values, KeyPlace::Database, field);
                             if (!option) return;
                             if (parseInteger(option->value.reveal()) <= 0)
                                 values.refuse(field.line, field.key + ": minimum checkpoint page count required");
                             database.sourceOptions.push_back(std::move(*option));
                         }},
                        {"restore-if-db-not-exists", toBoolean(values, database.restoreIfNotExists)},
                        {"snapshot", [&](const YamlField& field) { snapshot = &field; }},
                        {"replicas", [&](const YamlField& field) { readReplicas(values, field, database); }},
                        {"replica", [&](const YamlField& field) {
                             if (field.value.IsNull()) return;
                             one = true;
                             database.replicas.push_back(readReplica(values, field, "replica"));
                         }}};
    const auto fields = values.mapping(entry, "a database");
    applyKeys(values, fields, keys, [&](const YamlField& field) {
        auto option = readYamlOption(values, KeyPlace::Database, field);
        if (!option) return;
        if (const auto name = codecOption(field.key)) {
            option->name = *name;
            database.codecOptions.push_back(std::move(*option));
        } else {
            database.sourceOptions.push_back(std::move(*option));
        }
    });
    if (snapshot != nullptr)
        snapshots.readDatabase(*snapshot, (database.path.empty() ? database.directory.path : database.path).string());
    if (one && database.replicas.size() > 1)
        values.refuse(entry.line, "cannot specify 'replica' and 'replicas' on a database");
    return database;
}

}  // namespace litestream::config
