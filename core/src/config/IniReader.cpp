#include "config/IniReader.h"

#include "config/KnownKeys.h"
#include "config/LevelRules.h"
#include "util/Paths.h"

#include <Poco/String.h>
#include <Poco/StringTokenizer.h>
#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace litestream::config {
namespace {

/// One `key = value` and where it stands.
struct Entry {
    std::string key;
    std::string value;
    Place place;
};

/// `[kind label]` with its entries.
struct Section {
    std::string kind;
    std::string label;
    Place place;
    std::vector<Entry> entries;

    std::string title() const { return "[" + kind + (label.empty() ? "" : " " + label) + "]"; }
};

/// What a key of a section does. One table per kind of section is the whole grammar.
using Setter = std::function<void(const Entry&)>;
using Keys = std::map<std::string, Setter>;

Section openSection(const std::string& line, const Place& place) {
    if (line.back() != ']') fail(place, "section header \"" + line + "\" has no closing bracket");
    const std::string title = Poco::trim(line.substr(1, line.size() - 2));
    const std::size_t blank = title.find_first_of(" \t");
    Section section{title.substr(0, blank), {}, place, {}};
    if (blank != std::string::npos) section.label = Poco::trim(title.substr(blank));
    return section;
}

Entry readEntry(const std::string& line, const Place& place) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) fail(place, "\"" + line + "\" is no \"key = value\"");
    Entry entry{Poco::trim(line.substr(0, equals)), Poco::trim(line.substr(equals + 1)), place};
    if (entry.key.empty()) fail(place, "a value without a key");
    return entry;
}

void addEntry(Section& section, Entry entry) {
    const auto same = [&](const Entry& other) { return other.key == entry.key; };
    const auto earlier = std::find_if(section.entries.begin(), section.entries.end(), same);
    if (earlier != section.entries.end()) {
        fail(entry.place, "key \"" + entry.key + "\" is given twice in " + section.title() + ", first in line " +
                              std::to_string(earlier->place.line));
    }
    section.entries.push_back(std::move(entry));
}

/// Poco's IniFileConfiguration reads the same grammar, but forgets line numbers, lets the last of two equal keys win
/// and takes a line without '=' for a key; so the lines are read here.
std::vector<Section> readSections(std::istream& stream, const std::string& file) {
    std::vector<Section> sections;
    std::string text;
    for (unsigned line = 1; std::getline(stream, text); ++line) {
        const Place place{file, line};
        Poco::trimInPlace(text);
        if (text.empty() || text[0] == ';' || text[0] == '#') continue;
        if (text[0] == '[') {
            sections.push_back(openSection(text, place));
        } else if (sections.empty()) {
            fail(place, "\"" + text + "\" stands before the first [section]");
        } else {
            addEntry(sections.back(), readEntry(text, place));
        }
    }
    return sections;
}

/// A setter that reads a value with `parse`, so that a bad one names its line and key.
template <class Target, class Parse>
Setter assign(Target& target, Parse parse) {
    return [&target, parse](const Entry& entry) {
        try {
            target = parse(entry.value);
        } catch (const Error& error) {
            fail(entry.place, entry.key + ": " + error.what());
        }
    };
}

/// For what is always done: the value is checked, and that is all.
template <class Parse>
Setter accept(Parse parse) {
    return [parse](const Entry& entry) {
        decltype(parse(entry.value)) ignored{};
        assign(ignored, parse)(entry);
    };
}

Setter assignText(std::string& target) {
    return [&target](const Entry& entry) { target = entry.value; };
}

Setter assignPath(std::filesystem::path& target) {
    return [&target](const Entry& entry) {
        target = entry.value.empty() ? std::filesystem::path() : expandPath(entry.value);
    };
}

log::Level readLevel(const std::string& text) {
    if (const auto level = parseLevel(text)) return *level;
    throw Error(ErrorCode::InvalidArgument, "\"" + text + "\" is none of trace, debug, info, warn, error");
}

log::Format readFormat(const std::string& text) {
    if (text == "text") return log::Format::Text;
    if (text == "json") return log::Format::Json;
    throw Error(ErrorCode::InvalidArgument, "\"" + text + "\" is none of text, json");
}

double readRate(const std::string& text) { return static_cast<double>(parseInteger(text)); }

double readByteRate(const std::string& text) { return static_cast<double>(parseSize(text)); }

[[noreturn]] void failUnknownKey(const Section& section, const Entry& entry, const Keys& keys) {
    std::vector<std::string> names;
    for (const auto& [name, setter] : keys) names.push_back(name);
    if (section.kind == "litestream") {
        for (const KnownKey& key : knownKeys(KeyPlace::Replica)) {
            if (isReplicaDefault(key.name)) names.emplace_back(key.name);
        }
    }
    fail(entry.place, "unknown key \"" + entry.key + "\" in " + section.title() + didYouMean(entry.key, names));
}

/// Applies a section's entries by its table. Keys outside it go to `others`, where there is one.
void apply(const Section& section, const Keys& keys, const Setter& others = {}) {
    for (const Entry& entry : section.entries) {
        const auto found = keys.find(entry.key);
        if (found != keys.end()) {
            found->second(entry);
        } else if (others) {
            others(entry);
        } else {
            failUnknownKey(section, entry, keys);
        }
    }
}

/// Fills a Config section by section.
class ModelBuilder {
public:
    void add(const Section& section) {
        const std::string title = section.title();
        if (!titles_.insert(title).second) fail(section.place, "section " + title + " is given twice");
        if (title == "[litestream]") {
            addGlobal(section);
        } else if (title == "[logging]") {
            addLogging(section);
        } else if (section.kind == "database") {
            addDatabase(section);
        } else if (section.kind == "replica") {
            addReplica(section);
        } else {
            failUnknownSection(section);
        }
    }

    Config finish() { return std::move(config_); }

private:
    void addGlobal(const Section& section) {
        const Setter levelKey = [&](const Entry& entry) { addLevelKey(entry); };
        const Keys keys{{"plugin-path", assignPath(config_.pluginPath)},
                        {"codec", assignText(config_.codec)},
                        {"exec", assignText(config_.exec)},
                        {"shutdown-sync-timeout", assign(config_.shutdownSyncTimeout, parseDuration)},
                        {"sync-interval", assign(config_.syncInterval, parseDuration)},
                        {"memory-limit", assign(config_.limits.memoryBytes, parseSize)},
                        {"spool-limit", assign(config_.limits.spoolBytes, parseSize)},
                        {"shutdown-sync-interval", assign(config_.shutdownSyncInterval, parseDuration)},
                        {"rate-limit.requests-per-second", assign(config_.limits.rates.requestsPerSecond, readRate)},
                        {"rate-limit.bytes-per-second", assign(config_.limits.rates.bytesPerSecond, readByteRate)},
                        {"levels", [&](const Entry& entry) { addLevels(entry); }},
                        {"snapshot.interval", levelKey},
                        {"snapshot.retention", levelKey},
                        {"l0-retention", levelKey},
                        {"l0-retention-check-interval", levelKey},
                        {"audit-interval", levelKey},
                        {"validation.interval", levelKey},
                        {"verify-restore.interval", levelKey},
                        {"verify-restore.directory", assignPath(config_.levels.verifyRestore.directory)},
                        {"verify-restore.max-size", assign(config_.levels.verifyRestore.mostBytes, parseSize)},
                        {"verify-compaction", accept(parseBoolean)},
                        {"auto-recover", accept(parseBoolean)},
                        {"retention.enabled", [&](const Entry& entry) {
                             assign(config_.levels.deletes, parseBoolean)(entry);
                             if (!config_.levels.deletes)
                                 config_.warnings.push_back(entry.place.prefix() + std::string(kRetentionDisabled));
                         }}};
        apply(section, keys, [&](const Entry& entry) {
            if (const auto name = codecOption(entry.key)) {
                config_.codecOptions.push_back({*name, Secret(entry.value), entry.place, false, {}});
                return;
            }
            if (!isReplicaDefault(entry.key)) failUnknownKey(section, entry, keys);
            config_.replicaDefaults.push_back({entry.key, Secret(entry.value), entry.place, false, {}});
        });
    }

    void addLevelKey(const Entry& entry) {
        std::chrono::nanoseconds value{};
        assign(value, parseDuration)(entry);
        placed(entry, [&] { setLevelKey(config_.levels, *findLevelKey(entry.key), value); });
    }

    /// "30s, 5m, 1h"; nothing = no levels between 0 and 9.
    void addLevels(const Entry& entry) {
        std::vector<std::chrono::nanoseconds> intervals;
        const Poco::StringTokenizer parts(entry.value, ",", Poco::StringTokenizer::TOK_TRIM);
        for (const std::string& part : parts) {
            assign(intervals.emplace_back(), parseDuration)({entry.key, part, entry.place});
        }
        placed(entry, [&] { setLevels(config_.levels, intervals); });
    }

    /// `action`, whose errors do not know the place yet.
    template <class Action>
    static void placed(const Entry& entry, Action action) {
        try {
            action();
        } catch (const Error& error) {
            fail(entry.place, error.what());
        }
    }

    void addLogging(const Section& section) {
        apply(section, {{"level", assign(config_.logging.level, readLevel)},
                        {"type", assign(config_.logging.format, readFormat)},
                        {"stderr", assign(config_.logging.toStderr, parseBoolean)}});
    }

    void addDatabase(const Section& section) {
        if (section.label.empty()) fail(section.place, "[database] needs a name: [database NAME]");
        Database database;
        database.name = section.label;
        database.place = section.place;
        const Keys keys{{"path", assignPath(database.path)},
                        {"dir", assignPath(database.directory.path)},
                        {"pattern", assignText(database.directory.pattern)},
                        {"recursive", assign(database.directory.recursive, parseBoolean)},
                        {"watch", assign(database.directory.watch, parseBoolean)},
                        {"meta-path", assignPath(database.metaPath)},
                        {"meta-dir", assignPath(database.directory.metaPath)},
                        {"source", assignText(database.source)},
                        {"codec", assignText(database.codec)},
                        {"sync-interval", assign(database.syncInterval, parseDuration)},
                        {"takeover", assign(database.takeover, parseBoolean)},
                        {"restore-if-db-not-exists", assign(database.restoreIfNotExists, parseBoolean)},
                        {"replica", [&](const Entry& entry) { addUrl(database, entry); }}};
        apply(section, keys, [&](const Entry& entry) {
            if (entry.key.starts_with("replica.")) {
                addUrl(database, entry);
            } else if (const auto name = codecOption(entry.key)) {
                database.codecOptions.push_back({*name, Secret(entry.value), entry.place, false, {}});
            } else {
                database.sourceOptions.push_back({entry.key, Secret(entry.value), entry.place, false, {}});
            }
        });
        config_.databases.push_back(std::move(database));
    }

    static void addUrl(Database& database, const Entry& entry) {
        Replica replica = replicaFromUrl(entry.value);
        replica.place = entry.place;
        if (entry.key != "replica") replica.name = entry.key.substr(std::string("replica.").size());
        database.replicas.push_back(std::move(replica));
    }

    void addReplica(const Section& section) {
        const std::size_t dot = section.label.find_last_of('.');
        if (dot == std::string::npos || dot == 0 || dot + 1 == section.label.size()) {
            fail(section.place, section.title() + " must name a database and a replica: [replica DATABASE.NAME]");
        }
        Replica replica;
        replica.name = section.label.substr(dot + 1);
        replica.place = section.place;
        const Keys keys{{"url", assignText(replica.url)},
                        {"type", assignText(replica.type)},
                        {"sync-interval", assign(replica.syncInterval, parseDuration)},
                        {"retention", assign(replica.retention, parseDuration)},
                        {"retention-check-interval", assign(replica.retentionCheckInterval, parseDuration)},
                        {"snapshot-interval", assign(replica.snapshotInterval, parseDuration)},
                        {"validation-interval", assign(replica.validationInterval, parseDuration)}};
        apply(section, keys, [&](const Entry& entry) {
            replica.options.push_back({entry.key, Secret(entry.value), entry.place, false, {}});
        });
        findDatabase(section.label.substr(0, dot), section).replicas.push_back(std::move(replica));
    }

    Database& findDatabase(const std::string& name, const Section& section) {
        std::vector<std::string> names;
        for (Database& database : config_.databases) {
            if (database.name == name) return database;
            names.push_back(database.name);
        }
        fail(section.place,
             section.title() + " belongs to no [database " + name + "] above it" + didYouMean(name, names));
    }

    [[noreturn]] static void failUnknownSection(const Section& section) {
        static const std::vector<std::string> kKinds{"litestream", "logging", "database", "replica"};
        fail(section.place, "unknown section " + section.title() + didYouMean(section.kind, kKinds));
    }

    Config config_;
    std::set<std::string> titles_;
};

}  // namespace

Config readIni(std::istream& stream, const std::string& name) {
    ModelBuilder builder;
    for (const Section& section : readSections(stream, name)) builder.add(section);
    return builder.finish();
}

}  // namespace litestream::config
