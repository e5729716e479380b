#include "config/EqualsRule.h"

#include "YamlText.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace litestream::config {
namespace {

using namespace testing;

/// A block of the guide, as printed.
std::string guide(const std::string& name) {
    std::ifstream file(LITESTREAM_TEST_DATA "/guide/" + name + ".yml");
    EXPECT_TRUE(file) << name;
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The same, indented deeper than `url`: valid YAML that means something terrible.
constexpr const char* kFolded = R"(dbs:
  - path: /path/to/local/db
    replicas:
      - url: s3://SPACENAME.nyc3.digitaloceanspaces.com/db
          access-key-id=AKIAFOLDED
          secret-access-key=folded/secret
      - url: file:///second
)";

TEST(EqualsRule, ReadsGlobalKeysOfTheGuide) {
    const Config config = read(guide("1-global-keys"));
    EXPECT_EQ(defaultOf(config, "access-key-id"), "xxxxxxxxxxxxxxxxxxxx");
    EXPECT_EQ(defaultOf(config, "secret-access-key"), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/xxxxxxxxx");
    ASSERT_EQ(config.databases.size(), 1u);
    EXPECT_EQ(config.databases[0].replicas[0].url, "s3://SPACENAME.nyc3.digitaloceanspaces.com/db");
    EXPECT_EQ(warningsOf(config),
              "test.yml:1: \"access-key-id=\" is read as \"access-key-id:\". YAML has no equals sign\n"
              "test.yml:2: \"secret-access-key=\" is read as \"secret-access-key:\". YAML has no equals sign\n");
}

TEST(EqualsRule, LeavesTheSecondBlockOfTheGuideAlone) {
    const Config config = read(guide("2-separate-fields"));
    const Replica& replica = config.databases.at(0).replicas.at(0);
    EXPECT_EQ(replica.type, "s3");
    EXPECT_EQ(optionOf(replica, "bucket"), "SPACENAME");
    EXPECT_EQ(optionOf(replica, "path"), "db");
    EXPECT_EQ(optionOf(replica, "endpoint"), "nyc3.digitaloceanspaces.com");
    EXPECT_EQ(optionOf(replica, "region"), "nyc3");
    EXPECT_EQ(warningsOf(config), "");
}

TEST(EqualsRule, ReadsKeysOfAReplicaOfTheGuide) {
    const Config config = read(guide("3-replica-keys"));
    const Replica& replica = config.databases.at(0).replicas.at(0);
    EXPECT_EQ(replica.url, "s3://SPACENAME.nyc3.digitaloceanspaces.com/db");
    EXPECT_EQ(optionOf(replica, "access-key-id"), "xxxxxxxxxxxxxxxxxxx");
    EXPECT_EQ(optionOf(replica, "secret-access-key"), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/xxxxxxxxx");
    EXPECT_EQ(config.warnings.size(), 2u);
    EXPECT_EQ(warningsOf(config).find("xxx"), std::string::npos) << "a warning shows a value";
}

TEST(EqualsRule, TakesFoldedLinesOutOfTheUrl) {
    const Config config = read(kFolded);
    ASSERT_EQ(config.databases.at(0).replicas.size(), 2u);
    const Replica& replica = config.databases[0].replicas[0];
    EXPECT_EQ(replica.url, "s3://SPACENAME.nyc3.digitaloceanspaces.com/db");
    EXPECT_EQ(optionOf(replica, "access-key-id"), "AKIAFOLDED");
    EXPECT_EQ(optionOf(replica, "secret-access-key"), "folded/secret");
    EXPECT_EQ(config.databases[0].replicas[1].options.size(), 0u);
    EXPECT_EQ(warningsOf(config).find("olded"), std::string::npos) << "a warning shows a value";
    EXPECT_NE(warningsOf(config).find("test.yml:5: "), std::string::npos);
}

TEST(EqualsRule, WorksInBothSpellingsOfALineEnd) {
    std::string windows = guide("3-replica-keys");
    for (std::size_t at = 0; (at = windows.find('\n', at)) != std::string::npos; at += 2) windows.insert(at, "\r");
    EXPECT_EQ(optionOf(read(windows).databases.at(0).replicas.at(0), "access-key-id"), "xxxxxxxxxxxxxxxxxxx");
}

TEST(EqualsRule, ReadsAnyValue) {
    const Config config = read(R"(access-key-id = "quo\"ted" # comment
secret-access-key=a+b/c=d#e"f\g	# comment
region=
endpoint='single ''quoted'''
storage-class="open
sse-kms-key-id=#nothing
dbs:
)");
    EXPECT_EQ(defaultOf(config, "access-key-id"), "quo\"ted");
    EXPECT_EQ(defaultOf(config, "secret-access-key"), "a+b/c=d#e\"f\\g");
    EXPECT_EQ(defaultOf(config, "region"), "(none)");
    EXPECT_EQ(defaultOf(config, "endpoint"), "single 'quoted'");
    EXPECT_EQ(defaultOf(config, "storage-class"), "\"open");
    EXPECT_EQ(defaultOf(config, "sse-kms-key-id"), "(none)");
}

TEST(EqualsRule, KnowsKeysByTheirPlace) {
    const EqualsRewrite rewrite = applyEqualsRule(R"(url=file:///x
addr=:9090
dbs:
  - path=/a
    addr=:9090
    snapshot:
      interval=1h
    replica:
      url=file:///x
      monitor-interval=1s
      skip-verify = yes
logging:
  level=debug
unknown=1
)",
                                                  false);
    EXPECT_EQ(rewrite.text, R"(url=file:///x
addr: ":9090"
dbs:
  - path: "/a"
    addr=:9090
    snapshot:
      interval: "1h"
    replica:
      url: "file:///x"
      monitor-interval=1s
      skip-verify: "yes"
logging:
  level: "debug"
unknown=1
)");
    ASSERT_EQ(rewrite.lines.size(), 6u);
    EXPECT_EQ(rewrite.lines[1].number, 4u);
    EXPECT_EQ(rewrite.lines[1].key, "path");
}

TEST(EqualsRule, TouchesNoTextInsideAScalarOrACollection) {
    const std::string text = R"(# region=comment
exec: |
  region=block

  region=block
bucket: "quoted
  region=quoted
  "
endpoint: 'quoted
  region=quoted'
dbs: [
  region=flow,
  {x: "]"},
  region=flow]
addr: &a !!str >-
  region=folded
levels:
  - |
    region=block
)";
    const EqualsRewrite rewrite = applyEqualsRule(text + "region=us\n", false);
    EXPECT_EQ(rewrite.text, text + "region: \"us\"\n");
    EXPECT_EQ(rewrite.lines.size(), 1u);
}

TEST(EqualsRule, LeavesTextsAloneThatMakeSense) {
    const std::string text =
        "exec: app\n  region=us\ndbs:\n- path: /a\n  replica:\n    url: file:///a\n    path:\n      region=us\n";
    const Config config = read(text);
    EXPECT_EQ(config.exec, "app region=us");
    EXPECT_EQ(optionOf(config.databases.at(0).replicas.at(0), "path"), "region=us");
    EXPECT_EQ(warningsOf(config), "");
}

TEST(EqualsRule, TellsTheFirstErrorWhenItDoesNotHelp) {
    EXPECT_EQ(errorOf("region=us\nfoo=x\ndbs:\n"), "yaml: line 3: mapping values are not allowed in this context");
    EXPECT_EQ(errorOf("region=us\ndbs: }\n"), "yaml: line 2: mapping values are not allowed in this context");
    EXPECT_EQ(errorOf("- region=us\n"),
              "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into a configuration");
}

TEST(EqualsRule, WorksWithoutExpansion) {
    EXPECT_EQ(defaultOf(read("access-key-id=$X\ndbs:\n", {.expandEnv = false}), "access-key-id"), "$X");
}

TEST(EqualsRule, RefusesAKeyThatRunsIntoAnotherValue) {
    const std::string text =
        errorOf("dbs:\n- path: /a\n  replica:\n    type: file\n    path: /x\n      secret-access-key = hidden\n");
    EXPECT_EQ(text,
              "test.yml:5: the value of \"path\" runs on into \"secret-access-key=\". Write \"secret-access-key: ...\" "
              "on a line "
              "of its own, indented like \"path\"");
}

}  // namespace
}  // namespace litestream::config
