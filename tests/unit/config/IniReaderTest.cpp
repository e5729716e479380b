#include "config/IniReader.h"

#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>

namespace litestream::config {
namespace {

using namespace std::chrono_literals;

Config read(const std::string& text) {
    std::istringstream stream(text);
    return readIni(stream, "test.ini");
}

std::string errorOf(const std::string& text) {
    try {
        read(text);
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

TEST(IniReader, ReadsLevelsSnapshotsAndRetention) {
    const Config config = read(R"([litestream]
levels = 1s, 1m
snapshot.interval = 2h
snapshot.retention = 72h
l0-retention = 0s
l0-retention-check-interval = 1s
retention.enabled = false
)");
    EXPECT_EQ(config.levels.levels, (std::vector<std::chrono::nanoseconds>{1s, 1min}));
    EXPECT_EQ(config.levels.snapshotInterval, 2h);
    EXPECT_EQ(config.levels.snapshotRetention, 72h);
    EXPECT_EQ(config.levels.levelZeroRetention, 0s);
    EXPECT_EQ(config.levels.checkInterval, 1s);
    EXPECT_FALSE(config.levels.deletes);
    EXPECT_EQ(config.warnings, std::vector<std::string>{
                                   "test.ini:7: retention disabled; cloud provider lifecycle policies must handle retention"});
    EXPECT_EQ(read("[litestream]\nlevels =\n").levels.levels.size(), 0u);

    EXPECT_EQ(errorOf("[litestream]\nlevels = 1s, 0s\n"),
              "test.ini:2: levels[1].interval: compaction interval must be greater than 0 (got 0s)");
    EXPECT_EQ(errorOf("[litestream]\nlevels = 1s,1s,1s,1s,1s,1s,1s,1s,1s\n"), "test.ini:2: levels: compaction level cannot exceed 8");
    EXPECT_TRUE(errorOf("[litestream]\nlevels = 1s,soon\n").starts_with("test.ini:2: levels: ")) << errorOf("[litestream]\nlevels = 1s,soon\n");
    EXPECT_EQ(errorOf("[litestream]\nsnapshot.retention = 0s\n"),
              "test.ini:2: snapshot.retention: snapshot retention must be greater than 0 (got 0s)");
    EXPECT_EQ(errorOf("[litestream]\nl0-retention = -1s\n"), "test.ini:2: l0-retention: l0 retention must not be negative (got -1s)");
}

TEST(IniReader, ReadsAuditProofAndRates) {
    const Config config = read(R"([litestream]
audit-interval = 1h
validation.interval = 2h
verify-restore.interval = 3h
verify-restore.directory = /scratch
verify-restore.max-size = 5MiB
verify-compaction = true
auto-recover = false
rate-limit.requests-per-second = 20
rate-limit.bytes-per-second = 1MiB
shutdown-sync-interval = 1s
[database a]
path = /a
restore-if-db-not-exists = true
[replica a.old]
url = file:///x
retention = 1h
retention-check-interval = 1m
snapshot-interval = 2h
validation-interval = 4h
)");
    EXPECT_TRUE(config.warnings.empty());
    EXPECT_EQ(config.levels.auditInterval, 1h);
    EXPECT_EQ(config.levels.validationInterval, 2h);
    EXPECT_EQ(config.levels.verifyRestore.interval, 3h);
    EXPECT_EQ(config.levels.verifyRestore.directory, "/scratch");
    EXPECT_EQ(config.levels.verifyRestore.mostBytes, 5u << 20);
    EXPECT_EQ(config.limits.rates.requestsPerSecond, 20);
    EXPECT_EQ(config.limits.rates.bytesPerSecond, 1 << 20);
    EXPECT_EQ(config.shutdownSyncInterval, 1s);
    EXPECT_TRUE(config.databases.at(0).restoreIfNotExists);
    const Replica& replica = config.databases[0].replicas.at(0);
    EXPECT_TRUE(replica.options.empty());
    EXPECT_EQ(replica.retention, 1h);
    EXPECT_EQ(replica.retentionCheckInterval, 1min);
    EXPECT_EQ(replica.snapshotInterval, 2h);
    EXPECT_EQ(replica.validationInterval, 4h);

    EXPECT_EQ(errorOf("[litestream]\naudit-interval = -1s\n"), "test.ini:2: audit-interval: audit interval must not be negative (got -1s)");
    EXPECT_TRUE(errorOf("[litestream]\nverify-compaction = perhaps\n").starts_with("test.ini:2: verify-compaction: "));
}

TEST(IniReader, ReadsEverySection) {
    const Config config = read(R"(
; a comment
# another one
[litestream]
plugin-path = /plugins
codec = plain
exec = app --port 80
shutdown-sync-timeout = 1m30s
memory-limit = 16MiB
spool-limit = 5MB

[logging]
level = WARN
type = json
stderr = true

[database app]
path = /var/app.db
meta-path = /var/meta
sync-interval = 250ms
source = sqlite
codec = lz4
takeover = yes
replica = file:///a
replica.second = file:///b
busy-poll = 5ms

[replica app.third]
type = file
path = /c = d
)");
    EXPECT_EQ(config.pluginPath, "/plugins");
    EXPECT_EQ(config.codec, "plain");
    EXPECT_EQ(config.exec, "app --port 80");
    EXPECT_EQ(config.shutdownSyncTimeout, 90s);
    EXPECT_EQ(config.limits.memoryBytes, 16u << 20);
    EXPECT_EQ(config.limits.spoolBytes, 5'000'000u);
    EXPECT_EQ(config.logging.level, log::Level::Warn);
    EXPECT_EQ(config.logging.format, log::Format::Json);
    EXPECT_TRUE(config.logging.toStderr);

    ASSERT_EQ(config.databases.size(), 1u);
    const Database& database = config.databases[0];
    EXPECT_EQ(database.path, "/var/app.db");
    EXPECT_EQ(database.metaPath, "/var/meta");
    EXPECT_EQ(database.syncInterval, 250ms);
    EXPECT_EQ(database.codec, "lz4");
    EXPECT_TRUE(database.takeover);
    ASSERT_EQ(database.sourceOptions.size(), 1u);
    EXPECT_EQ(database.sourceOptions[0].name, "busy-poll");
    EXPECT_EQ(database.sourceOptions[0].place.line, 26u);

    ASSERT_EQ(database.replicas.size(), 3u);
    EXPECT_EQ(database.replicas[0].url, "file:///a");
    EXPECT_EQ(database.replicas[0].name, "");
    EXPECT_EQ(database.replicas[1].url, "file:///b");
    EXPECT_EQ(database.replicas[1].name, "second");
    EXPECT_EQ(database.replicas[2].type, "file");
    EXPECT_EQ(database.replicas[2].name, "third");
    ASSERT_EQ(database.replicas[2].options.size(), 1u);
    EXPECT_EQ(database.replicas[2].options[0].value.reveal(), "/c = d");
}

TEST(IniReader, WhatIsNotWrittenHasItsDefault) {
    const Config config = read("[database app]\npath = /a.db\n");
    EXPECT_EQ(config.codec, "lz4");
    EXPECT_EQ(config.exec, "");
    EXPECT_EQ(config.shutdownSyncTimeout, 30s);
    EXPECT_EQ(config.logging.level, log::Level::Info);
    EXPECT_FALSE(config.databases[0].syncInterval);
    EXPECT_EQ(config.databases[0].source, "auto");
}

TEST(IniReader, NamesFileLineAndNearestKey) {
    EXPECT_EQ(errorOf("[litestream]\n\ncodek = lz4\n"),
              "test.ini:3: unknown key \"codek\" in [litestream]. Did you mean \"codec\"?");
    EXPECT_EQ(errorOf("[logging]\nbucket = x\n"), "test.ini:2: unknown key \"bucket\" in [logging]");
    EXPECT_EQ(errorOf("[loging]\n"), "test.ini:1: unknown section [loging]. Did you mean \"logging\"?");
}

TEST(IniReader, RefusesAKeyOrSectionGivenTwice) {
    EXPECT_EQ(errorOf("[database a]\npath = /a\nmeta-path = /m\npath = /b\n"),
              "test.ini:4: key \"path\" is given twice in [database a], first in line 2");
    EXPECT_EQ(errorOf("[database a]\npath = /a\n[database a]\n"), "test.ini:3: section [database a] is given twice");
}

TEST(IniReader, NamesTheKeyOfABadValue) {
    EXPECT_EQ(errorOf("[logging]\nlevel = loud\n"),
              "test.ini:2: level: \"loud\" is none of trace, debug, info, warn, error");
    EXPECT_EQ(errorOf("[logging]\ntype = pretty\n"), "test.ini:2: type: \"pretty\" is none of text, json");
    for (const char* line : {"sync-interval = 7d", "takeover = maybe"}) {
        const std::string text = errorOf(std::string("[database a]\n") + line + "\n");
        EXPECT_TRUE(
            text.starts_with("test.ini:2: " + std::string(line).substr(0, std::string(line).find(' ')) + ": invalid"))
            << text;
    }
    EXPECT_TRUE(errorOf("[litestream]\nmemory-limit = much\n").starts_with("test.ini:2: memory-limit: "))
        << "a bad size";
}

TEST(IniReader, RefusesLinesThatAreNoIni) {
    EXPECT_EQ(errorOf("path = /a\n"), "test.ini:1: \"path = /a\" stands before the first [section]");
    EXPECT_EQ(errorOf("[logging]\nlevel\n"), "test.ini:2: \"level\" is no \"key = value\"");
    EXPECT_EQ(errorOf("[logging]\n= x\n"), "test.ini:2: a value without a key");
    EXPECT_EQ(errorOf("[logging\n"), "test.ini:1: section header \"[logging\" has no closing bracket");
    EXPECT_EQ(errorOf("[database]\n"), "test.ini:1: [database] needs a name: [database NAME]");
}

TEST(IniReader, TiesReplicasToTheirDatabase) {
    EXPECT_EQ(errorOf("[database app]\n[replica ap.x]\n"),
              "test.ini:2: [replica ap.x] belongs to no [database ap] above it. Did you mean \"app\"?");
    EXPECT_EQ(errorOf("[database app]\n[replica app]\n"),
              "test.ini:2: [replica app] must name a database and a replica: [replica DATABASE.NAME]");
    EXPECT_EQ(read("[database a.b]\n[replica a.b.c]\ntype = file\n").databases[0].replicas[0].name, "c");
}

TEST(IniReader, ReadsFilesWithCarriageReturns) {
    EXPECT_EQ(read("[database app]\r\npath = /a.db\r\n").databases[0].path, "/a.db");
}

TEST(IniReader, NamesAFileThatIsMissingOrNone) {
    EXPECT_THROW(readFile("/no/such/litestream.ini"), Error);
    EXPECT_THROW(readFile("/"), Error);
}

std::string exampleText() {
    std::ostringstream out;
    out << std::ifstream(LITESTREAM_EXAMPLE_INI).rdbuf();
    return out.str();
}

TEST(ExampleIni, IsValidAsItStands) {
    const Config config = read(exampleText());
    ASSERT_EQ(config.databases.size(), 1u);
    EXPECT_EQ(config.databases[0].replicas.size(), 1u);
}

/// Every commented-out `; key = value` must be a key that the reader takes, with a value it takes.
TEST(ExampleIni, EveryCommentedKeyIsTaken) {
    const std::string all =
        std::regex_replace(exampleText(), std::regex("(^|\n); ((\\[[^\n]*\\]|[a-z.-]+ = [^\n]*))"), "$1$2");
    const Config config = read(std::regex_replace(all, std::regex("; url = "), "url = "));
    EXPECT_EQ(config.exec, "/usr/local/bin/app --port 8080");
    EXPECT_EQ(config.shutdownSyncTimeout, 30s);
    EXPECT_EQ(config.limits.memoryBytes, engine::Limits().memoryBytes) << "the example shows the default";
    EXPECT_EQ(config.limits.spoolBytes, engine::Limits().spoolBytes) << "the example shows the default";
    EXPECT_EQ(config.databases[0].replicas.size(), 4u);
}

}  // namespace
}  // namespace litestream::config
