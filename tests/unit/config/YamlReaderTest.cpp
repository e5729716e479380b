#include "config/YamlReader.h"

#include "YamlText.h"
#include "config/YamlValues.h"

#include <gtest/gtest.h>

namespace litestream::config {
namespace {

using namespace testing;
using namespace std::chrono_literals;

TEST(YamlReader, ReadsEveryKeyThatHasAnEffect) {
    const Config config = read(R"(
exec: app --port 80
shutdown-sync-timeout: 1m30s
plugin-path: /plugins
codec: plain
memory-limit: 16MiB
spool-limit: 5,000,000
sync-interval: 2s
access-key-id: 12345
logging:
  level: WARN
  type: json
  stderr: yes
dbs:
  - name: app
    path: /var/../var/app.db
    meta-path: /var/meta
    source: sqlite
    codec: lz4
    takeover: on
    sync-interval: 5s
    checkpoint-interval: 2m
    replicas:
      - name: near
        url: file:///a
        sync-interval: 250ms
      - type: file
        path: /b
  - dir: /tenants
    pattern: "*.db"
    recursive: true
    watch: true
    meta-dir: /meta
    replica:
      path: /c
)");
    EXPECT_EQ(config.exec, "app --port 80");
    EXPECT_EQ(config.shutdownSyncTimeout, 90s);
    EXPECT_EQ(config.pluginPath, "/plugins");
    EXPECT_EQ(config.codec, "plain");
    EXPECT_EQ(config.limits.memoryBytes, 16u << 20);
    EXPECT_EQ(config.limits.spoolBytes, 5'000'000u);
    EXPECT_EQ(config.syncInterval, 2s);
    EXPECT_EQ(defaultOf(config, "access-key-id"), "12345");
    EXPECT_EQ(config.logging.level, log::Level::Warn);
    EXPECT_EQ(config.logging.format, log::Format::Json);
    EXPECT_TRUE(config.logging.toStderr);

    ASSERT_EQ(config.databases.size(), 2u);
    const Database& database = config.databases[0];
    EXPECT_EQ(database.name, "app");
    EXPECT_EQ(database.path, "/var/app.db");
    EXPECT_EQ(database.metaPath, "/var/meta");
    EXPECT_EQ(database.codec, "lz4");
    EXPECT_TRUE(database.takeover);
    EXPECT_EQ(database.syncInterval, 5s);
    EXPECT_EQ(database.place.prefix(), "test.yml:15: ");
    ASSERT_EQ(database.sourceOptions.size(), 1u);
    EXPECT_EQ(database.sourceOptions[0].value.reveal(), "2m0s");
    EXPECT_EQ(database.sourceOptions[0].place.line, 22u);
    ASSERT_EQ(database.replicas.size(), 2u);
    EXPECT_EQ(database.replicas[0].name, "near");
    EXPECT_EQ(database.replicas[0].url, "file:///a");
    EXPECT_EQ(database.replicas[0].syncInterval, 250ms);
    EXPECT_EQ(database.replicas[1].type, "file");
    EXPECT_EQ(optionOf(database.replicas[1], "path"), "/b");

    const Directory& directory = config.databases[1].directory;
    EXPECT_EQ(directory.path, "/tenants");
    EXPECT_EQ(directory.pattern, "*.db");
    EXPECT_TRUE(directory.recursive);
    EXPECT_TRUE(directory.watch);
    EXPECT_EQ(directory.metaPath, "/meta");
    EXPECT_EQ(config.databases[1].replicas.at(0).type, "file") << "what upstream takes when nothing is said";
    EXPECT_EQ(warningsOf(config), "");
}

TEST(YamlReader, ReadsNothingAsNothing) {
    for (const char* text :
         {"", "# only a comment\n", "---\n", "null\n", "{}", "dbs:\n", "dbs: []\nlogging: ~\nexec: null\n"}) {
        const Config config = read(text);
        EXPECT_TRUE(config.databases.empty()) << text;
        EXPECT_EQ(config.exec, "");
        EXPECT_EQ(config.shutdownSyncTimeout, 30s);
        EXPECT_EQ(warningsOf(config), "") << text;
    }
}

TEST(YamlReader, TheUrlDecidesOnTheType) {
    const Config config = read("dbs:\n- path: /a\n  replica: {type: tape, url: 'file:///a'}\n");
    EXPECT_EQ(config.databases.at(0).replicas.at(0).type, "");
}

TEST(YamlReader, EmptyValuesAreUnset) {
    const Config config = read("region: ''\ncodec: ''\ndbs:\n- path: ''\n  replica: {path: '', bucket: ~, region:}\n");
    EXPECT_TRUE(config.replicaDefaults.empty());
    EXPECT_EQ(config.codec, "lz4");
    EXPECT_TRUE(config.databases.at(0).path.empty());
    EXPECT_TRUE(config.databases.at(0).replicas.at(0).options.empty());
}

TEST(YamlReader, WarnsOfUnknownKeysAndIgnoresThem) {
    EXPECT_EQ(warningsOf(read("adr: x\nlogging:\n  levle: x\nfoo: {a: [1]}\n")),
              "test.yml:1: unknown key \"adr\" is ignored. Did you mean \"addr\"?\n"
              "test.yml:3: unknown key \"levle\" is ignored. Did you mean \"level\"?\n"
              "test.yml:4: unknown key \"foo\" is ignored\n");
    EXPECT_EQ(warningsOf(read("dbs:\n- path: /a\n  foo: [1]\n")), "test.yml:3: unknown key \"foo\" is ignored\n");
    const Config config = read("dbs:\n- path: /a\n  foo: 1\n");
    ASSERT_EQ(config.databases.at(0).sourceOptions.size(), 1u) << "the plugin may know it";
    EXPECT_TRUE(config.databases[0].sourceOptions[0].lenient);
}

TEST(YamlReader, WarnsOfKeysWithoutEffect) {
    const Config config = read(R"(addr: ":9090"
heartbeat-url: https://example.com/ping
heartbeat-interval: 5m
socket: {enabled: true, path: /x, permissions: 0600}
mcp-addr: ":1"
logging: {source: true}
)");
    EXPECT_EQ(config.warnings.size(), 6u) << warningsOf(config);
    for (const std::string& warning : config.warnings)
        EXPECT_NE(warning.find("has no effect"), std::string::npos) << warning;
}

TEST(YamlReader, ReadsAuditAndProof) {
    const Config none = read("");
    EXPECT_EQ(none.levels.auditInterval, 24h);
    EXPECT_EQ(none.levels.validationInterval, 0s);
    EXPECT_EQ(none.levels.verifyRestore.interval, 0s);
    EXPECT_EQ(none.levels.verifyRestore.mostBytes, 1u << 30);

    const Config config = read(R"(audit-interval: 1h
validation: {interval: 2h}
verify-restore: {interval: 3h, directory: /scratch, max-size: 5MiB}
verify-compaction: false
auto-recover: true
dbs:
- path: /a
  replica: {path: /x, auto-recover: true}
)");
    EXPECT_EQ(warningsOf(config), "") << "what is asked for is done, so there is nothing to warn of";
    EXPECT_EQ(config.levels.auditInterval, 1h);
    EXPECT_EQ(config.levels.validationInterval, 2h);
    EXPECT_EQ(config.levels.verifyRestore.interval, 3h);
    EXPECT_EQ(config.levels.verifyRestore.directory, "/scratch");
    EXPECT_EQ(config.levels.verifyRestore.mostBytes, 5u << 20);
    EXPECT_EQ(optionOf(config.databases.at(0).replicas.at(0), "auto-recover"), "(none)");

    EXPECT_EQ(read("validation: {interval: -1s}\n").levels.validationInterval, 0s) << "not above zero is off";
    EXPECT_EQ(read("validation-interval: 1h\n").levels.validationInterval, 1h) << "as a default of replicas";
    EXPECT_EQ(read("validation:\nverify-restore:\nrate-limit:\n").levels.validationInterval, 0s);
    EXPECT_EQ(errorOf("audit-interval: -1s\n"), "test.yml:1: audit-interval: audit interval must not be negative (got -1s)");
    EXPECT_EQ(errorOf("verify-restore:\n  interval: -1s\n"),
              "test.yml:2: verify-restore.interval: verify restore interval must not be negative (got -1s)");
    EXPECT_EQ(errorOf("verify-compaction: 1\n"), "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!int `1` into bool");
    EXPECT_EQ(errorOf("auto-recover: 'yes'\n"), "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `yes` into bool");
    EXPECT_EQ(warningsOf(read("verify-restore: {intervall: 1h}\n")),
              "test.yml:1: unknown key \"intervall\" is ignored. Did you mean \"interval\"?\n");
}

TEST(YamlReader, ReadsRatesAndTheShutdown) {
    const Config none = read("");
    EXPECT_FALSE(none.limits.rates.limited());
    EXPECT_EQ(none.shutdownSyncInterval, 500ms);
    const Config config = read(R"(rate-limit: {requests-per-second: 20, bytes-per-second: 5MiB}
shutdown-sync-interval: 1s
dbs:
- path: /a
  restore-if-db-not-exists: true
- path: /b
)");
    EXPECT_EQ(warningsOf(config), "");
    EXPECT_EQ(config.limits.rates.requestsPerSecond, 20);
    EXPECT_EQ(config.limits.rates.bytesPerSecond, 5 << 20);
    EXPECT_EQ(config.shutdownSyncInterval, 1s);
    EXPECT_TRUE(config.databases.at(0).restoreIfNotExists);
    EXPECT_FALSE(config.databases.at(1).restoreIfNotExists);
}

TEST(YamlReader, ReadsLevelsSnapshotsAndRetention) {
    const Config none = read("");
    EXPECT_EQ(none.levels.levels, (std::vector<std::chrono::nanoseconds>{30s, 5min, 1h}));
    EXPECT_EQ(none.levels.snapshotInterval, 24h);
    EXPECT_EQ(none.levels.snapshotRetention, 24h);
    EXPECT_EQ(none.levels.levelZeroRetention, 5min);
    EXPECT_EQ(none.levels.checkInterval, 15s);
    EXPECT_TRUE(none.levels.deletes);

    const Config config = read(R"(levels:
  - interval: 1s
  - interval: 1h
snapshot: {interval: 2h, retention: 72h}
l0-retention: 0s
l0-retention-check-interval: 1s
)");
    EXPECT_EQ(config.levels.levels, (std::vector<std::chrono::nanoseconds>{1s, 1h}));
    EXPECT_EQ(config.levels.snapshotInterval, 2h);
    EXPECT_EQ(config.levels.snapshotRetention, 72h);
    EXPECT_EQ(config.levels.levelZeroRetention, 0s);
    EXPECT_EQ(config.levels.checkInterval, 1s);
    EXPECT_EQ(config.warnings.size(), 0u) << warningsOf(config);

    EXPECT_EQ(read("levels: []\n").levels.levels.size(), 0u);
    EXPECT_EQ(read("levels:\n").levels.levels.size(), 0u);
    EXPECT_EQ(read("snapshot:\nl0-retention:\n").levels.snapshotInterval, 24h);
}

TEST(YamlReader, SaysThatNothingWillBeDeleted) {
    const Config config = read("retention:\n  enabled: false\n");
    EXPECT_FALSE(config.levels.deletes);
    EXPECT_EQ(warningsOf(config), "test.yml:2: retention disabled; cloud provider lifecycle policies must handle retention\n");
    EXPECT_EQ(warningsOf(read("retention: {enabled: true}\n")), "");
}

TEST(YamlReader, TheSnapshotsOfADatabaseCountForAllUnlessTheGlobalOnesAreGiven) {
    const std::string databases = "dbs:\n- path: /a\n  snapshot: {interval: 1h, retention: 2h}\n- path: /b\n";
    EXPECT_EQ(read(databases).levels.snapshotInterval, 1h);
    EXPECT_EQ(read(databases + "snapshot: {interval: 3h}\n").levels.snapshotInterval, 3h);
    EXPECT_EQ(read("snapshot: {interval: 3h}\n" + databases).levels.snapshotRetention, 2h);
}

TEST(YamlReader, RefusesLevelsSnapshotsAndRetentionThatMakeNoSense) {
    EXPECT_EQ(errorOf("levels: [{interval: 1s}, {interval: 0s}]\n"),
              "test.yml:1: levels[1].interval: compaction interval must be greater than 0 (got 0s)");
    EXPECT_EQ(errorOf("levels: [{}]\n"),
              "test.yml:1: levels[0].interval: compaction interval must be greater than 0 (got 0s)");
    std::string nine = "levels:\n";
    for (int i = 0; i < 9; ++i) nine += "- interval: 1s\n";
    EXPECT_EQ(errorOf(nine), "test.yml:10: levels: compaction level cannot exceed 8");
    EXPECT_EQ(errorOf("snapshot: {interval: 0s}\n"), "test.yml:1: snapshot.interval: snapshot interval must be greater than 0 (got 0s)");
    EXPECT_EQ(errorOf("snapshot:\n  retention: -1h\n"),
              "test.yml:2: snapshot.retention: snapshot retention must be greater than 0 (got -1h0m0s)");
    EXPECT_EQ(errorOf("l0-retention: -1s\n"), "test.yml:1: l0-retention: l0 retention must not be negative (got -1s)");
    EXPECT_EQ(errorOf("l0-retention-check-interval: 0s\n"),
              "test.yml:1: l0-retention-check-interval: l0 retention check interval must be greater than 0 (got 0s)");
    EXPECT_EQ(errorOf("dbs:\n- path: /a\n  snapshot: {interval: 0s}\n"),
              "test.yml:3: snapshot.interval: snapshot interval must be greater than 0 (got 0s)");
}

TEST(YamlReader, ChecksWhatHasNoEffect) {
    EXPECT_EQ(errorOf("heartbeat-interval: 59s\n"),
              "test.yml:1: heartbeat-interval: heartbeat interval must be at least 1 minute (got 59s)");
    EXPECT_EQ(errorOf("heartbeat-url: ftp://x\n"),
              "test.yml:1: heartbeat-url: heartbeat URL must be a valid HTTP or HTTPS URL");
    EXPECT_EQ(errorOf("logging: {type: xml}\n"), "test.yml:1: logging.type: \"xml\" is none of text, json, pretty");
    EXPECT_EQ(errorOf("dbs:\n- path: /a\n  snapshot: {interval: 1h}\n- path: /b\n  snapshot: {interval: 2h}\n"),
              "test.yml:5: conflicting database snapshot intervals: /a has 1h0m0s, /b has 2h0m0s");
    EXPECT_EQ(errorOf("dbs:\n- path: /a\n  min-checkpoint-page-count: 0\n"),
              "test.yml:3: min-checkpoint-page-count: minimum checkpoint page count required");
    EXPECT_TRUE(errorOf("dbs:\n- path: /a\n  replica:\n    age: {recipients: [x]}\n")
                    .starts_with("test.yml:4: age encryption is not currently supported"));
    EXPECT_EQ(errorOf("dbs:\n- path: /a\n  replica:\n    age: {recipients: []}\n"), "no error");
}

TEST(YamlReader, RefusesReplicaAndReplicas) {
    EXPECT_EQ(errorOf("dbs:\n- path: /a\n  replica: {path: /x}\n  replicas: [{path: /y}]\n"),
              "test.yml:2: cannot specify 'replica' and 'replicas' on a database");
    EXPECT_EQ(errorOf("dbs:\n- path: /a\n  replica: {path: /x}\n  replicas: []\n"), "no error");
}

TEST(YamlReader, CollectsWrongTypes) {
    EXPECT_EQ(errorOf("dbs:\n- path: [a]\n  monitor-interval: abc\n  replica: 7\nexec: {a: b}\naddr: [x]\nsocket: "
                      "{permissions: rwx}\n"),
              "yaml: unmarshal errors:\n"
              "  line 2: cannot unmarshal !!seq into string\n"
              "  line 3: cannot unmarshal !!str `abc` into time.Duration\n"
              "  line 4: cannot unmarshal !!int `7` into a replica\n"
              "  line 5: cannot unmarshal !!map into string\n"
              "  line 6: cannot unmarshal !!seq into string\n"
              "  line 7: cannot unmarshal !!str `rwx` into int");
    EXPECT_EQ(errorOf("sync-interval: a very long text\n"),
              "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `a very ...` into time.Duration");
}

TEST(YamlReader, NoMessageShowsASecret) {
    for (const char* key : {"access-key-id", "secret-access-key", "webdav-password", "token", "account-key",
                            "sse-customer-key", "sas-token", "creds", "nkey", "seed", "jwt", "password"}) {
        for (const char* value : {"[hidden]", "{hidden: hidden}", "!!binary hidden", "\"hidden", "hidden: hidden",
                                  "*hidden", "\"hidden\\q\"", "hidden\n   password=hidden"}) {
            for (const char* lead : {"", "dbs:\n- path: /a\n  replica:\n    "}) {
                const std::string text = std::string(lead) + key + ": " + value + "\n";
                std::string shown = errorOf(text);
                if (shown == "no error") shown = warningsOf(read(text));
                EXPECT_EQ(shown.find("hidden"), std::string::npos) << text << shown;
            }
        }
    }
    YamlValues values("test.yml");
    values.boolean({"some-token", 1, YAML::Node("hidden")});
    try {
        values.check();
        FAIL();
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str into bool");
    }
    const std::string shown = errorOf("sync-interval:\n  1\n  token=ab\n");
    EXPECT_EQ(shown.find("ab"), std::string::npos) << shown;
}

}  // namespace
}  // namespace litestream::config
