#include "YamlText.h"
#include "config/Resolve.h"

#include <gtest/gtest.h>

/// litestream.yml up to what the engine gets, with a transport that takes an object store's settings.
namespace litestream::config {
namespace {

using namespace std::chrono_literals;

const plugin::Registry& registry() {
    static const std::unique_ptr<plugin::Registry> loaded =
        plugin::Registry::load({LITESTREAM_BIN "/plugins", LITESTREAM_CONFIG_PLUGINS});
    return *loaded;
}

struct Outcome {
    std::vector<engine::DatabaseOptions> databases;
    std::string warnings;
    std::string error = "no error";
};

Outcome resolveText(const std::string& text) {
    Outcome outcome;
    std::vector<std::string> warnings;
    try {
        outcome.databases = resolve(testing::read(text), registry(), warnings);
    } catch (const Error& error) {
        outcome.error = error.what();
    }
    for (const std::string& warning : warnings) outcome.warnings += warning + "\n";
    return outcome;
}

/// One database with one replica; `lines` are the replica's, joined by commas.
std::string oneReplica(const std::string& lines) {
    return "dbs:\n- path: /a.db\n  replica: {" + lines + "}\n";
}

TEST(YamlResolve, GivesACodecTheOptionsThatAreMeantForIt) {
    const Outcome outcome = resolveText(
        "codec: zstd\ncodec-level: 7\ndbs:\n- path: /a.db\n  replica: {path: /a}\n"
        "- path: /b.db\n  codec-level: 9\n  replica: {path: /b}\n"
        "- path: /c.db\n  codec: lz4\n  codec-speed: 9\n  replica: {path: /c}\n");
    ASSERT_EQ(outcome.databases.size(), 3u) << outcome.error;
    EXPECT_EQ(outcome.databases[0].codecOptions.text("level"), "7");
    EXPECT_EQ(outcome.databases[1].codecOptions.text("level"), "9");
    EXPECT_FALSE(outcome.databases[2].codecOptions.has("level"));
    EXPECT_NE(outcome.warnings.find("unknown key \"speed\""), std::string::npos) << outcome.warnings;
}

TEST(YamlResolve, GivesAPluginItsOptions) {
    const Outcome outcome = resolveText(oneReplica(
        "type: shelf, bucket: b, path: p, region: r, access-key-id: 0123, skip-verify: yes, concurrency: 0x10, "
        "part-size: 8MiB"));
    ASSERT_EQ(outcome.databases.size(), 1u) << outcome.error;
    const OptionValues& options = outcome.databases[0].replicas[0].options;
    EXPECT_EQ(options.text("bucket"), "b");
    EXPECT_EQ(options.secret("access-key-id").reveal(), "0123");
    EXPECT_TRUE(options.boolean("skip-verify"));
    EXPECT_EQ(options.integer("concurrency"), 16);
    EXPECT_EQ(options.bytes("part-size"), 8u << 20);
    EXPECT_EQ(outcome.warnings, "");
}

TEST(YamlResolve, WhatIsWrittenBeatsTheUrlBeatsTheGlobalBeatsThePlugin) {
    const auto regionOf = [](const std::string& text) {
        const Outcome outcome = resolveText(text);
        return outcome.databases.empty() ? outcome.error : outcome.databases[0].replicas[0].options.text("region");
    };
    const std::string global = "region: global\n";
    EXPECT_EQ(regionOf(global + oneReplica("url: 'shelf://b/p?region=url', region: own")), "own");
    EXPECT_EQ(regionOf(global + oneReplica("url: 'shelf://b/p?region=url'")), "url");
    EXPECT_EQ(regionOf(global + oneReplica("url: 'shelf://b/p'")), "global");
    EXPECT_EQ(regionOf(oneReplica("url: 'shelf://b/p'")), "nowhere");
}

TEST(YamlResolve, GivesEveryReplicaTheGlobalKeysItLacks) {
    const Outcome outcome = resolveText(R"(
access-key-id: gid
secret-access-key: gkey
bucket: everywhere
dbs:
- path: /a.db
  replicas:
  - url: shelf://own/a
    access-key-id: mine
  - {type: shelf, path: b}
  - url: file:///c
)");
    ASSERT_EQ(outcome.databases.size(), 1u) << outcome.error;
    const auto& replicas = outcome.databases[0].replicas;
    EXPECT_EQ(replicas[0].options.text("bucket"), "own") << "a place in a url stays what it is";
    EXPECT_EQ(replicas[0].options.secret("access-key-id").reveal(), "mine");
    EXPECT_EQ(replicas[0].options.secret("secret-access-key").reveal(), "gkey");
    EXPECT_EQ(replicas[1].options.text("bucket"), "everywhere");
    EXPECT_EQ(replicas[1].options.secret("access-key-id").reveal(), "gid");
    EXPECT_EQ(replicas[2].options.texts().size(), 1u) << "its plugin takes none of them";
    EXPECT_EQ(outcome.warnings, "");
}

TEST(YamlResolve, WarnsOfWhatNoPluginTakes) {
    EXPECT_EQ(
        resolveText("account-name: x\n" + oneReplica("path: /x, monitor: 1, host: h, max-sync-ltx-files: 1")).warnings,
        "test.yml:1: key \"account-name\" has no effect: no transport plugin that was found takes it\n"
        "test.yml:4: unknown key \"monitor\": neither a setting nor an option of plugin \"file\", so it is ignored\n"
        "test.yml:4: key \"host\" has no effect: replicas of this type have no such setting\n"
        "test.yml:4: key \"max-sync-ltx-files\" has no effect: one upload is in flight at a time\n");
    EXPECT_EQ(
        resolveText("dbs:\n- path: /a\n  monitor-interval: 1s\n  sync-intervall: 1s\n  replica: {path: /x}\n").warnings,
        "test.yml:3: key \"monitor-interval\" has no effect: the source follows the database without that setting\n"
        "test.yml:4: unknown key \"sync-intervall\": neither a setting nor an option of plugin \"auto\", so it is "
        "ignored. Did "
        "you mean \"sync-interval\"?\n");
}

TEST(YamlResolve, AReplicaMayHaveRetentionSettingsOfVersion03) {
    const Config config = testing::read(R"(l0-retention: 1m
dbs:
  - path: /a.db
    replicas:
      - url: file:///a
      - {url: "file:///b", retention: 1h, retention-check-interval: 30s}
      - {url: "file:///c", retention: 0s}
      - {url: "file:///d", retention: 72h, snapshot-interval: 6h}
      - {url: "file:///e", validation-interval: 12h}
      - {url: "file:///f", validation-interval: -1s}
validation: {interval: 6h}
)");
    EXPECT_EQ(testing::warningsOf(config), "");
    std::vector<std::string> warnings;
    const auto replicas = resolve(config, registry(), warnings).at(0).replicas;
    EXPECT_TRUE(warnings.empty());
    using namespace std::chrono_literals;
    for (const auto& replica : replicas) EXPECT_EQ(replica.levels.levelZeroRetention, 1min);
    EXPECT_EQ(replicas[0].levels.snapshotRetention, 24h);
    EXPECT_EQ(replicas[1].levels.snapshotRetention, 1h);
    EXPECT_EQ(replicas[1].levels.snapshotInterval, 1h);
    EXPECT_EQ(replicas[1].levels.checkInterval, 30s);
    EXPECT_FALSE(replicas[2].levels.deletes);
    EXPECT_EQ(replicas[3].levels.snapshotRetention, 72h);
    EXPECT_EQ(replicas[3].levels.snapshotInterval, 6h);
    EXPECT_TRUE(replicas[3].levels.deletes);
    EXPECT_EQ(replicas[3].levels.validationInterval, 6h);
    EXPECT_EQ(replicas[4].levels.validationInterval, 12h);
    EXPECT_EQ(replicas[5].levels.validationInterval, 0h);
}

TEST(YamlResolve, TheSmallestIntervalOfADatabasesReplicasCounts) {
    const auto intervalOf = [](const std::string& text) {
        const Outcome outcome = resolveText(text);
        EXPECT_EQ(outcome.error, "no error");
        return outcome.databases.at(0).syncInterval;
    };
    const std::string two = "dbs:\n- path: /a\n  replicas:\n  - {path: /x, sync-interval: 5s}\n  - {path: /y";
    EXPECT_EQ(intervalOf(two + ", sync-interval: 3s}\n"), 3s);
    EXPECT_EQ(intervalOf(two + "}\n"), 5s);
    EXPECT_EQ(intervalOf("sync-interval: 2s\n" + two + "}\n"), 2s) << "the second one inherits it";
    EXPECT_EQ(intervalOf("sync-interval: 2s\n" + two + ", sync-interval: 10s}\n"), 5s) << "nobody inherits it";
    EXPECT_EQ(intervalOf("dbs:\n- path: /a\n  replica: {path: /x}\n"), std::nullopt);
    EXPECT_EQ(resolveText(oneReplica("path: /x, sync-interval: 0s")).error,
              "test.yml:3: dbs[/a.db].replica.sync-interval: sync interval must be greater than 0 (got 0s)");
    EXPECT_EQ(resolveText("dbs:\n- path: /a\n  replicas:\n  - {path: /x, sync-interval: -1s}\n").error,
              "test.yml:4: dbs[/a].replicas[0].sync-interval: sync interval must be greater than 0 (got -1s)");
}

TEST(YamlResolve, RefusesAReplicaInUpstreamsWords) {
    EXPECT_EQ(resolveText(oneReplica("url: 'shelf://b/p', path: x")).error,
              "test.yml:3: cannot specify url & path for shelf replica");
    EXPECT_EQ(resolveText(oneReplica("url: 'shelf://b/p', bucket: x")).error,
              "test.yml:3: cannot specify url & bucket for shelf replica");
    EXPECT_EQ(resolveText(oneReplica("type: shelf")).error, "test.yml:3: bucket required for shelf replica");
    EXPECT_EQ(resolveText(oneReplica("type: file")).error, "test.yml:3: file replica path required");
    EXPECT_EQ(resolveText(oneReplica("path: 'shelf://b'")).error,
              "test.yml:3: replica path cannot be a url, please use the 'url' field instead: shelf://b");
    EXPECT_EQ(resolveText(oneReplica("url: b/p")).error, "test.yml:3: replica url scheme required: b/p");
    EXPECT_EQ(resolveText("dbs:\n- path: /a\n").error, "test.yml:2: must specify replica for database /a");
}

TEST(YamlResolve, TakesTheSchemesOfAPluginForItsType) {
    EXPECT_EQ(resolveText(oneReplica("type: rack, bucket: b")).databases.at(0).replicas[0].transport, "shelf");
    EXPECT_EQ(resolveText(oneReplica("url: 'RACK://b/p'")).databases.at(0).replicas[0].transport, "shelf");
}

TEST(YamlResolve, ShowsNoPassword) {
    for (const char* replica :
         {"path: 'sftp://me:hidden@host/x?token=hidden'", "url: 'me:hidden@host/x'", "url: 'tape://me:hidden@host/x'",
          "type: shelf, bucket: b, concurrency: 1, url: '//me:hidden@host'", "path: 'sftp://me:hidden/hidden@host/x'",
          "url: 'me:a/hidden@host/x'"}) {
        const std::string shown = resolveText(oneReplica(replica)).error;
        EXPECT_NE(shown, "no error");
        EXPECT_EQ(shown.find("hidden"), std::string::npos) << shown;
    }
}

TEST(YamlResolve, RefusesEntriesThatContradictThemselves) {
    const auto errorOf = [](const std::string& entry) { return resolveText("dbs:\n- {" + entry + "}\n").error; };
    const std::string prefix = "test.yml:2: database config #1: ";
    EXPECT_EQ(errorOf("path: /a, dir: /b"), prefix + "cannot specify both 'path' and 'dir'");
    EXPECT_EQ(errorOf("name: x"), prefix + "must specify either 'path' or 'dir'");
    EXPECT_EQ(errorOf("dir: /b"), prefix + "'pattern' is required when using 'dir'");
    EXPECT_EQ(errorOf("path: /b, watch: true"), prefix + "'watch' can only be enabled with a directory");
    EXPECT_EQ(errorOf("path: /b, meta-dir: /m"), prefix + "'meta-dir' can only be used with a directory");
    EXPECT_EQ(errorOf("dir: /b, pattern: x, meta-path: /n, meta-dir: /m"),
              prefix + "cannot specify both 'meta-path' and 'meta-dir'");
    EXPECT_EQ(resolveText("dbs:\n- {path: /a, replica: {path: /x}}\n- {path: /b/../a, replica: {path: /y}}\n").error,
              "test.yml:3: database config #2: duplicate path \"/a\" (already used by database config #1); each "
              "database can be "
              "listed only once");
    EXPECT_EQ(resolveText("dbs:\n- {path: /a, meta-path: /m, replica: {path: /x}}\n- {path: /b, meta-path: /m, "
                          "replica: {path: /y}}\n")
                  .error,
              "test.yml:3: meta-path collision: databases /a and /b would share the metadata directory /m");
}

}  // namespace
}  // namespace litestream::config
