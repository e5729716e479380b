#include "YamlText.h"
#include "config/KnownKeys.h"
#include "config/Resolve.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <regex>
#include <sstream>

namespace litestream::config {
namespace {

using namespace testing;

std::string exampleText() {
    std::ostringstream out;
    out << std::ifstream(LITESTREAM_EXAMPLE_YAML).rdbuf();
    return out.str();
}

/// Every commented-out key in force: those of whole examples first, then `# key: value`.
std::string completeText() {
    const std::string examples = std::regex_replace(exampleText(), std::regex("(^|\n)#(  +)"), "$1$2");
    return std::regex_replace(examples, std::regex("(^|\n)( *)# ( *(- )?[a-z0-9-]+:( [^\n]*)?)(?=\n)"), "$1$2$3");
}

TEST(ExampleYaml, IsAcceptedAsItStands) {
    const Config config = read(exampleText());
    EXPECT_EQ(warningsOf(config), "");
    const auto registry = plugin::Registry::load({LITESTREAM_BIN "/plugins"});
    std::vector<std::string> warnings;
    EXPECT_EQ(resolve(config, *registry, warnings).size(), 1u);
    EXPECT_TRUE(warnings.empty());
}

TEST(ExampleYaml, EveryCommentedKeyIsTakenAndShowsItsDefault) {
    const Config config = read(completeText());
    for (const std::string& warning : config.warnings) EXPECT_EQ(warning.find("unknown"), std::string::npos) << warning;
    EXPECT_EQ(config.exec, "/usr/local/bin/app --port 8080");
    EXPECT_EQ(config.shutdownSyncTimeout, Config().shutdownSyncTimeout);
    EXPECT_EQ(config.limits.memoryBytes, engine::Limits().memoryBytes);
    EXPECT_EQ(config.limits.spoolBytes, engine::Limits().spoolBytes);
    ASSERT_EQ(config.databases.size(), 3u);
    EXPECT_EQ(config.databases[1].directory.path, "/var/lib/tenants");
    ASSERT_EQ(config.databases[2].replicas.size(), 3u);
    EXPECT_EQ(optionOf(config.databases[2].replicas[2], "webdav-url"), "https://cloud.example.com/dav");
}

/// What is known is shown, and the other way round the `=` rule knows what is shown.
TEST(ExampleYaml, ShowsEveryKey) {
    const std::string text = completeText();
    const auto shows = [&](std::string_view name) {
        const std::string last(name.substr(name.find_last_of('.') + 1));
        return std::regex_search(text, std::regex("\n *(- )?" + last + ":"));
    };
    for (const KeyPlace place : {KeyPlace::Top, KeyPlace::Database}) {
        for (const KnownKey& key : knownKeys(place)) EXPECT_TRUE(key.name == "name" || shows(key.name)) << key.name;
    }
    // A value behind an equals sign becomes text, which numbers and booleans are not.
    const std::string equals =
        std::regex_replace(text, std::regex("(\n *(- )?[a-z0-9-]+): (?!true|false|[0-9]+ *\n|\\[)([^\n]+)"), "$1=$3");
    EXPECT_NE(equals, text);
    const Config config = read(equals);
    EXPECT_EQ(config.databases.size(), 3u);
    EXPECT_EQ(config.exec, "/usr/local/bin/app --port 8080");
    EXPECT_EQ(optionOf(config.databases[2].replicas[0], "bucket"), "backups");
}

/// Half a file, or one with a wrong byte, is an error or a smaller configuration, never a crash.
TEST(ExampleYaml, SurvivesDamage) {
    constexpr unsigned kSeed = 20260102;
    std::mt19937 random(kSeed);
    const std::string whole = completeText();
    const std::string odd = "\t\n:-#'\"[]{}&*!|>%@`=,\\ \xff$";
    for (unsigned round = 0; round < 400; ++round) {
        std::string text = whole.substr(0, random() % whole.size());
        for (unsigned change = random() % 4; change > 0 && !text.empty(); --change)
            text[random() % text.size()] = odd[random() % odd.size()];
        try {
            read(text);
        } catch (const Error& error) {
            EXPECT_NE(std::string(error.what()), "") << "seed " << kSeed << " round " << round;
        }
    }
}

}  // namespace
}  // namespace litestream::config
