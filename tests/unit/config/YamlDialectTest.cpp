#include "YamlText.h"

#include <gtest/gtest.h>

/// YAML 1.1, as upstream reads it.
namespace litestream::config {
namespace {

using namespace testing;
using namespace std::chrono_literals;

bool stderrOf(const std::string& value) {
    return read("logging: {stderr: " + value + "}\n").logging.toStderr;
}

TEST(YamlDialect, BooleansAreUnquotedWords) {
    for (const char* word : {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
        EXPECT_TRUE(stderrOf(word)) << word;
    for (const char* word : {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", "~", "null"})
        EXPECT_FALSE(stderrOf(word)) << word;
    for (const char* word : {"'yes'", "\"true\"", "1", "tRUE", "!!str true"})
        EXPECT_THROW(stderrOf(word), Error) << word;
}

TEST(YamlDialect, TextKeepsWhatIsWritten) {
    for (const char* value : {"12345", "yes", "0x10", "1.50", "007", "2020-01-01", "1_000"})
        EXPECT_EQ(read(std::string("exec: ") + value + "\n").exec, value);
    EXPECT_EQ(read("exec: !!str null\n").exec, "null");
    EXPECT_EQ(read("exec: 'null'\n").exec, "null");
    EXPECT_EQ(read("exec: >-\n  a\n  b\n").exec, "a b");
}

std::chrono::nanoseconds intervalOf(const std::string& value) {
    return *read("sync-interval: " + value + "\n").syncInterval;
}

TEST(YamlDialect, DurationsAreTextOrNanoseconds) {
    EXPECT_EQ(intervalOf("1h30m"), 90min);
    EXPECT_EQ(intervalOf("'1.5s'"), 1500ms);
    EXPECT_EQ(intervalOf("10000000"), 10ms);
    EXPECT_EQ(intervalOf("1_000_000_000"), 1s);
    EXPECT_EQ(intervalOf("0x10"), 16ns);
    EXPECT_EQ(intervalOf("010"), 8ns);
    EXPECT_EQ(intervalOf("0o10"), 8ns);
    EXPECT_EQ(intervalOf("0b11"), 3ns);
    EXPECT_EQ(intervalOf("1.9e3"), 1900ns);
    EXPECT_EQ(intervalOf("0"), 0ns);
    for (const char* value : {"7d", "'10'", "abc", "1:30", "yes", "99999999999999999999", ".inf", "1e30"})
        EXPECT_THROW(intervalOf(value), Error) << value;
}

TEST(YamlDialect, WarnsOfNanosecondsBelowAMillisecond) {
    EXPECT_EQ(warningsOf(read("sync-interval: 10\n")),
              "test.yml:1: sync-interval: a number without a unit means nanoseconds, so this is 10ns. Write a unit, "
              "like 10s\n");
    EXPECT_EQ(warningsOf(read("sync-interval: 1000000\n")), "");
    EXPECT_EQ(warningsOf(read("sync-interval: 10ns\n")), "") << "the unit is written";
}

TEST(YamlDialect, TheLastOfEqualKeysWins) {
    EXPECT_EQ(read("exec: a\nexec: b\n").exec, "b");
    EXPECT_EQ(read("dbs: [{path: /a}]\ndbs: [{path: /b}, {path: /c, path: /d}]\n").databases.at(1).path, "/d");
}

TEST(YamlDialect, MergesMappings) {
    const Config config = read(R"(
x: &base
  path: /base
  replica: {path: /r}
y: &more {path: /more, codec: plain}
dbs:
  - <<: *base
    path: /own
  - <<: [*base, *more]
  - &third
    path: /third
  - *third
)");
    ASSERT_EQ(config.databases.size(), 4u);
    EXPECT_EQ(config.databases[0].path, "/own");
    EXPECT_EQ(config.databases[0].replicas.size(), 1u);
    EXPECT_EQ(config.databases[1].path, "/base") << "the first one counts most";
    EXPECT_EQ(config.databases[1].codec, "plain");
    EXPECT_EQ(config.databases[3].path, "/third");
    EXPECT_EQ(errorOf("dbs: [{<<: 5}]\n"), "yaml: line 1: map merge requires map or sequence of maps as the value");
    EXPECT_EQ(errorOf("dbs: [&a {<<: *a}]\n"), "yaml: line 1: too many mappings are merged");
}

TEST(YamlDialect, ReadsTheFirstDocumentOnly) {
    EXPECT_EQ(read("exec: a\n---\nexec: b\n").exec, "a");
    EXPECT_EQ(read("%YAML 1.1\n---\nexec: a\n...\nrubbish: }\n").exec, "a");
}

TEST(YamlDialect, ReadsJsonMarksAndCarriageReturns) {
    EXPECT_EQ(read("{\"exec\": \"a\", \"dbs\": [{\"path\": \"/a\"}]}").databases.size(), 1u);
    EXPECT_EQ(read("\xef\xbb\xbf"
                   "exec: a\r\nlogging:\r\n  stderr: yes\r\n")
                  .logging.toStderr,
              true);
}

TEST(YamlDialect, NamesTheLineOfASyntaxError) {
    EXPECT_EQ(errorOf("dbs:\n  - path: /a\n\tfoo: x\n"),
              "yaml: line 3: found a tab character that violates indentation");
    EXPECT_EQ(errorOf("exec: a\ndbs:\n \t- path: /a\n"),
              "yaml: line 3: found a tab character that violates indentation");
    EXPECT_EQ(errorOf("a: b: c\n"), "yaml: line 1: mapping values are not allowed in this context");
    EXPECT_EQ(errorOf("dbs: *x\n"), "yaml: line 1: unknown anchor referenced");
    EXPECT_EQ(errorOf("exec: \"a\nb: c\n"), "yaml: line 3: found unexpected end of stream");
    EXPECT_TRUE(errorOf("exec: [a\n").starts_with("yaml: line "));
    EXPECT_EQ(errorOf("exec: |\n  a\n  \tb\naddr:\n  \"x\n\ty\"\n"), "no error") << "a tab within a scalar";
}

}  // namespace
}  // namespace litestream::config
