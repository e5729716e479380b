#include "config/YamlReader.h"

#include "config/EqualsRule.h"
#include "config/ExpandEnv.h"
#include "config/LevelRules.h"
#include "config/YamlEntries.h"
#include "util/Paths.h"
#include "util/Units.h"

#include <algorithm>
#include <optional>

namespace litestream::config {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

bool hasBlank(const std::string& text) {
    return text.find_first_of(" \t\n") != std::string::npos;
}

/// A document, and the lines that were rewritten to get it.
struct Document {
    YAML::Node root;
    std::vector<EqualsRewrite::Line> rewritten;
};

/// The document of a text that is not understood as it stands, read by the rule for equals signs. Nothing when that does not help.
std::optional<Document> loadTolerantly(std::string_view text, bool isFolded) {
    EqualsRewrite rewrite = applyEqualsRule(text, isFolded);
    if (rewrite.lines.empty()) return std::nullopt;
    try {
        Document document{parseYaml(rewrite.text), std::move(rewrite.lines)};
        if (document.root.IsMap()) return document;
    } catch (const Error&) {
        // The text as it stands gives the better message.
    }
    return std::nullopt;
}

Document load(std::string_view text) {
    Document document;
    try {
        document.root.reset(parseYaml(text));
    } catch (const Error&) {
        if (auto tolerant = loadTolerantly(text, false)) return std::move(*tolerant);
        throw;
    }
    const auto urls = replicaUrls(document.root);
    const bool isFolded = std::any_of(urls.begin(), urls.end(), hasBlank);
    if (document.root.IsMap() && !isFolded) return document;
    if (auto tolerant = loadTolerantly(text, isFolded)) return std::move(*tolerant);
    return document;
}

/// Fills a Config from the top level of a document.
class TopReader {
public:
    TopReader(YamlValues& values, Config& config) : values_(values), config_(config), snapshots_(values) {}

    void read(const std::vector<YamlField>& fields) {
        YamlKeys keys = used();
        keys.merge(checked());
        applyKeys(values_, fields, keys, [&](const YamlField& field) { readOther(field); });
        snapshots_.apply(config_.levels);
    }

private:
    YamlKeys used() {
        return {{"dbs", [&](const YamlField& field) { readDatabases(field); }},
                {"logging", [&](const YamlField& field) { readLogging(field); }},
                {"exec", [&](const YamlField& field) { config_.exec = values_.text(field).value_or(""); }},
                {"plugin-path",
                 [&](const YamlField& field) {
                     if (const auto path = values_.text(field); path && !path->empty())
                         config_.pluginPath = expandPath(*path);
                 }},
                {"codec",
                 [&](const YamlField& field) {
                     if (const auto codec = values_.text(field); codec && !codec->empty()) config_.codec = *codec;
                 }},
                {"memory-limit",
                 [&](const YamlField& field) { setIfGiven(config_.limits.memoryBytes, values_.size(field)); }},
                {"spool-limit",
                 [&](const YamlField& field) { setIfGiven(config_.limits.spoolBytes, values_.size(field)); }},
                {"shutdown-sync-timeout",
                 [&](const YamlField& field) { setIfGiven(config_.shutdownSyncTimeout, values_.duration(field)); }},
                {"sync-interval", [&](const YamlField& field) { config_.syncInterval = values_.duration(field); }},
                {"levels", [&](const YamlField& field) { readLevels(field); }},
                {"snapshot", [&](const YamlField& field) { snapshots_.readGlobal(field); }},
                {"retention", [&](const YamlField& field) { readRetention(field); }},
                {"l0-retention", levelKey()},
                {"l0-retention-check-interval", levelKey()},
                {"audit-interval", levelKey()},
                {"validation", block("validation settings", {{"interval", levelKey("validation.interval")}})},
                {"validation-interval", levelKey("validation.interval")},
                {"verify-restore", block("verify-restore settings", verifyRestore())},
                {"rate-limit", block("rate limits", rates())},
                {"shutdown-sync-interval",
                 [&](const YamlField& field) { setIfGiven(config_.shutdownSyncInterval, values_.duration(field)); }},
                // What these ask for is always done.
                {"verify-compaction", [&](const YamlField& field) { values_.boolean(field); }},
                {"auto-recover", [&](const YamlField& field) { values_.boolean(field); }}};
    }

    /// What has no effect here, but rules for its value.
    YamlKeys checked() {
        return {{"socket", unusedBlock({"enabled", "path", "permissions"})},
                {"age", [&](const YamlField& field) { refuseYamlAge(values_, field); }},
                {"heartbeat-interval", limited("heartbeat interval must be at least 1 minute", 1min)},
                {"heartbeat-url", [&](const YamlField& field) { checkHeartbeatUrl(field); }}};
    }

    template <class Target, class Value>
    static void setIfGiven(Target& target, const std::optional<Value>& value) {
        if (value) target = *value;
    }

    static std::string_view unused(const std::string& key) { return findKnownKey(KeyPlace::Top, key)->unused; }

    YamlSetter limited(const std::string& rule, nanoseconds least) {
        return [this, rule, least](const YamlField& field) {
            const auto value = values_.duration(field);
            if (!value) return;
            if (*value < least)
                values_.refuse(field.line, field.key + ": " + rule + " (got " + formatDuration(*value) + ")");
            values_.warnUnused(field, unused(field.key));
        };
    }

    YamlSetter unusedBlock(const std::vector<std::string>& names) {
        return [this, names](const YamlField& block) {
            YamlKeys keys;
            for (const std::string& name : names) {
                const KnownKey* key = findKnownKey(KeyPlace::Top, block.key + "." + name);
                keys[name] = [this, key](const YamlField& field) { values_.option(field, key->type); };
            }
            const auto fields = values_.mapping(block, block.key + " settings");
            applyKeys(values_, fields, keys);
            if (!fields.empty()) values_.warnUnused(block, unused(block.key + "." + names.front()));
        };
    }

    void checkHeartbeatUrl(const YamlField& field) {
        const std::string url = values_.text(field).value_or("");
        if (url.empty()) return;
        // Its path is often a key, so it is not shown.
        if (!url.starts_with("http://") && !url.starts_with("https://"))
            values_.refuse(field.line, "heartbeat-url: heartbeat URL must be a valid HTTP or HTTPS URL");
        values_.warnUnused(field, unused(field.key));
    }

    YamlSetter block(const std::string& what, const YamlKeys& keys) {
        return [this, what, keys](const YamlField& field) { applyKeys(values_, values_.mapping(field, what), keys); };
    }

    /// `name` with dots; empty = as the field is called.
    YamlSetter levelKey(const std::string& name = {}) {
        return [this, name](const YamlField& field) {
            const auto value = values_.duration(field);
            if (!value) return;
            const LevelKey& key = *findLevelKey(name.empty() ? field.key : name);
            refuseYamlError(values_, field.line, [&] { setLevelKey(config_.levels, key, *value); });
        };
    }

    YamlKeys verifyRestore() {
        auto& settings = config_.levels.verifyRestore;
        return {{"interval", levelKey("verify-restore.interval")},
                {"directory",
                 [&](const YamlField& field) {
                     if (const auto path = values_.text(field); path && !path->empty()) settings.directory = expandPath(*path);
                 }},
                {"max-size", [&](const YamlField& field) { setIfGiven(settings.mostBytes, values_.size(field)); }}};
    }

    YamlKeys rates() {
        transport::Rates& rates = config_.limits.rates;
        return {{"requests-per-second",
                 [&](const YamlField& field) {
                     if (const auto value = values_.integer(field)) rates.requestsPerSecond = static_cast<double>(*value);
                 }},
                {"bytes-per-second", [&](const YamlField& field) {
                     if (const auto value = values_.size(field)) rates.bytesPerSecond = static_cast<double>(*value);
                 }}};
    }

    void readLevels(const YamlField& list) {
        std::vector<nanoseconds> intervals;
        for (const YamlField& level : values_.list(list, "a list of levels")) {
            nanoseconds& interval = intervals.emplace_back();
            applyKeys(
                values_, values_.mapping(level, "a level"),
                {{"interval", [&](const YamlField& field) { interval = values_.duration(field).value_or(0ns); }}});
            refuseYamlError(values_, level.line, [&] { setLevels(config_.levels, intervals); });
        }
        // Null and an empty list mean none.
        if (intervals.empty()) config_.levels.levels.clear();
    }

    void readRetention(const YamlField& block) {
        applyKeys(values_, values_.mapping(block, "retention settings"), {{"enabled", [&](const YamlField& field) {
                                                                               setIfGiven(config_.levels.deletes, values_.boolean(field));
                                                                           }}});
        if (!config_.levels.deletes) values_.warn(block.line, std::string(kRetentionDisabled));
    }

    void readLogging(const YamlField& block) {
        log::Settings& logging = config_.logging;
        applyKeys(
            values_, values_.mapping(block, "logging settings"),
            {{"level",
              [&](const YamlField& field) {
                  // A word that is no level means info, as upstream has it.
                  if (const auto level = values_.text(field); level && !level->empty())
                      logging.level = parseLevel(*level).value_or(log::Level::Info);
              }},
             {"type", [&](const YamlField& field) { readFormat(field); }},
             {"stderr", [&](const YamlField& field) { logging.toStderr = values_.boolean(field).value_or(false); }},
             {"source", [&](const YamlField& field) {
                  if (values_.boolean(field).value_or(false)) values_.warnUnused(field, unused("logging.source"));
              }}});
    }

    void readFormat(const YamlField& field) {
        const std::string type = values_.text(field).value_or("");
        if (type == "json") {
            config_.logging.format = log::Format::Json;
        } else if (type == "pretty") {
            values_.warn(field.line, "logging.type: \"pretty\" is written as text");
        } else if (!type.empty() && type != "text") {
            values_.refuse(field.line, "logging.type: \"" + type + "\" is none of text, json, pretty");
        }
    }

    void readDatabases(const YamlField& list) {
        config_.databases.clear();
        for (const YamlField& entry : values_.list(list, "a list of databases"))
            config_.databases.push_back(readYamlDatabase(values_, entry, snapshots_));
    }

    void readOther(const YamlField& field) {
        if (const KnownKey* known = findKnownKey(KeyPlace::Top, field.key)) {
            if (const auto value = values_.option(field, known->type); value && !value->empty() && *value != "false")
                values_.warnUnused(field, known->unused);
            return;
        }
        if (const auto name = codecOption(field.key)) {
            if (auto option = readYamlOption(values_, KeyPlace::Top, field)) {
                option->name = *name;
                config_.codecOptions.push_back(std::move(*option));
            }
            return;
        }
        if (!isReplicaDefault(field.key)) return values_.warnUnknown(field, known());
        if (auto option = readYamlOption(values_, KeyPlace::Replica, field))
            config_.replicaDefaults.push_back(std::move(*option));
    }

    static std::vector<std::string> known() {
        std::vector<std::string> names{"dbs", "levels", "logging", "rate-limit", "retention", "snapshot", "validation", "verify-restore"};
        for (const KnownKey& key : knownKeys(KeyPlace::Top)) names.emplace_back(key.name);
        for (const KnownKey& key : knownKeys(KeyPlace::Replica)) {
            if (isReplicaDefault(key.name)) names.emplace_back(key.name);
        }
        return names;
    }

    YamlValues& values_;
    Config& config_;
    YamlSnapshots snapshots_;
};

void readDocument(const std::string& text, YamlValues& values, Config& config) {
    const Document document = load(text);
    for (const EqualsRewrite::Line& line : document.rewritten) {
        values.warn(line.number, "\"" + line.key + "=\" is read as \"" + line.key + ":\". YAML has no equals sign");
    }
    TopReader(values, config).read(values.mapping({{}, lineOf(document.root), document.root}, "a configuration"));
    values.check();
}

}  // namespace

Config readYaml(std::string_view text, const std::string& name, const ReadOptions& options) {
    Config config;
    YamlValues values(name);
    readDocument(options.expandEnv ? expandEnv(text) : std::string(text), values, config);
    config.warnings = values.takeWarnings();
    return config;
}

}  // namespace litestream::config
