#include "config/Resolve.h"

#include "config/IniReader.h"
#include "engine/AutoSource.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace litestream::config {
namespace {

/// The plugins of this build, as a user has them.
const plugin::Registry& registry() {
    static const std::unique_ptr<plugin::Registry> loaded = plugin::Registry::load({LITESTREAM_BIN "/plugins"});
    return *loaded;
}

std::vector<engine::DatabaseOptions> resolveText(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> warnings;
    return resolve(readIni(stream, "test.ini"), registry(), warnings);
}

std::string errorOf(const std::string& text) {
    try {
        resolveText(text);
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

TEST(Resolve, GivesTheEngineWhatItNeeds) {
    const auto databases = resolveText(
        "[database app]\npath = /var/app.db\nsync-interval = 2s\nreplica = file:///a/x\nreplica.off = file:///b\n"
        "[replica app.long]\ntype = file\npath = /c\n");
    ASSERT_EQ(databases.size(), 1u);
    EXPECT_EQ(databases[0].path, "/var/app.db");
    EXPECT_EQ(databases[0].source, "auto");
    EXPECT_EQ(databases[0].codec, "lz4");
    EXPECT_EQ(databases[0].syncInterval, std::chrono::seconds(2));
    ASSERT_EQ(databases[0].replicas.size(), 3u);
    EXPECT_EQ(databases[0].replicas[0].name, "file");
    EXPECT_EQ(databases[0].replicas[0].options.text("path"), "/a/x");
    EXPECT_EQ(databases[0].replicas[1].name, "off");
    EXPECT_EQ(databases[0].replicas[2].name, "long");
    EXPECT_EQ(databases[0].replicas[2].options.text("path"), "/c");
}

TEST(Resolve, NumbersReplicasWithoutAName) {
    const std::vector<std::string> urls{"file:///a", "file:///b"};
    std::vector<std::string> warnings;
    const auto databases = resolve(fromArguments("/var/app.db", urls), registry(), warnings);
    EXPECT_EQ(databases[0].replicas[0].name, "file");
    EXPECT_EQ(databases[0].replicas[1].name, "file-2");
}

TEST(Resolve, RefusesADatabaseWithoutPathOrReplica) {
    EXPECT_EQ(errorOf("[database app]\nreplica = file:///a\n"),
              "test.ini:1: database config #1: must specify either 'path' or 'dir'");
    EXPECT_EQ(errorOf("[database app]\npath = /a.db\n"), "test.ini:1: must specify replica for database /a.db");
}

TEST(Resolve, RefusesADatabaseTwice) {
    EXPECT_EQ(
        errorOf(
            "[database a]\npath = /x/../a.db\nreplica = file:///a\n[database b]\npath = /a.db\nreplica = file:///b\n"),
        "test.ini:4: database config #2: duplicate path \"/a.db\" (already used by database config #1); each database "
        "can be "
        "listed only once");
}

TEST(Resolve, RefusesAReplicaPlaceTwiceHoweverItIsWritten) {
    const std::string text = errorOf(
        "[database a]\npath = /a.db\nreplica = file:///backup/x\n[database b]\npath = /b.db\n[replica b.y]\ntype = "
        "file\npath = "
        "/backup/./x/\n");
    EXPECT_TRUE(text.starts_with("test.ini:6: two replicas in one place (file path=/backup/x)")) << text;
    EXPECT_NE(text.find("/a.db"), std::string::npos) << text;
}

TEST(Resolve, RefusesAReplicaNameTwice) {
    EXPECT_EQ(errorOf("[database a]\npath = /a.db\nreplica.x = file:///1\n[replica a.x]\ntype = file\npath = /2\n"),
              "test.ini:4: duplicate replica name: \"x\"");
}

TEST(Resolve, ChecksPluginOptionsAgainstTheirDeclaration) {
    EXPECT_EQ(
        errorOf("[database a]\npath = /a.db\n[replica a.x]\ntype = file\npaht = /2\n"),
        "test.ini:5: unknown key \"paht\": neither a setting nor an option of plugin \"file\". Did you mean \"path\"?");
    EXPECT_EQ(errorOf("[database a]\npath = /a.db\nsync-intervall = 1s\nreplica = file:///a\n"),
              "test.ini:3: unknown key \"sync-intervall\": neither a setting nor an option of plugin \"auto\". Did "
              "you mean "
              "\"sync-interval\"?");
    const std::string missing = errorOf("[database a]\npath = /a.db\n[replica a.x]\ntype = file\n");
    EXPECT_EQ(missing, "test.ini:3: file replica path required");
}

TEST(Resolve, NamesThePluginThatIsMissing) {
    EXPECT_EQ(errorOf("[database a]\npath = /a.db\n[replica a.x]\ntype = fiel\n"),
              "test.ini:3: unknown replica type in config: \"fiel\": transport plugin \"fiel\" not found: looked "
              "in " LITESTREAM_BIN "/plugins. Did you mean \"file\"?");
    EXPECT_TRUE(
        errorOf("[database a]\npath = /a.db\nreplica = tape://user:hidden@host/x\n")
            .starts_with("test.ini:3: unknown replica type in config: \"tape\": transport plugin \"tape\" not found"));
    EXPECT_EQ(errorOf("[database a]\npath = /a.db\ncodec = zip\nreplica = file:///a\n"),
              "test.ini:1: no plugin for codec \"zip\"");
    EXPECT_EQ(errorOf("[database a]\npath = /a.db\nsource = oracle\nreplica = file:///a\n"),
              "test.ini:1: no plugin for source \"oracle\"");
}

TEST(Resolve, GivesACodecTheOptionsThatAreMeantForIt) {
    const auto databases = resolveText(
        "[litestream]\ncodec = zstd\ncodec-level = 7\n"
        "[database a]\npath = /a.db\nreplica = file:///a\n"
        "[database b]\npath = /b.db\ncodec-level = 9\nreplica = file:///b\n"
        "[database c]\npath = /c.db\ncodec = lz4\nreplica = file:///c\n");
    EXPECT_EQ(databases[0].codec, "zstd");
    EXPECT_EQ(databases[0].codecOptions.text("level"), "7");
    EXPECT_EQ(databases[1].codecOptions.text("level"), "9");
    EXPECT_EQ(databases[2].codec, "lz4");
    EXPECT_FALSE(databases[2].codecOptions.has("level"));
}

TEST(Resolve, RefusesWhatACodecDoesNotTake) {
    const std::string begin = "[database a]\npath = /a.db\ncodec = zstd\nreplica = file:///a\n";
    EXPECT_EQ(errorOf(begin + "codec-level = 20\n"),
              "test.ini:1: zstd: level 20 is out of range. Give a number from 1 (fastest) to 19 (smallest files)");
    EXPECT_TRUE(errorOf(begin + "codec-level = much\n").starts_with("test.ini:5: level: "));
    EXPECT_EQ(errorOf(begin + "codec-levle = 3\n"),
              "test.ini:5: unknown key \"levle\": neither a setting nor an option of plugin \"zstd\". Did you mean \"level\"?");
}

TEST(Resolve, RefusesAUrlAndATypeThatDisagree) {
    const std::string text = errorOf("[database a]\npath = /a.db\n[replica a.x]\nurl = file:///a\ntype = tape\n");
    EXPECT_EQ(text, "test.ini:3: type \"tape\" does not fit the url, which is of type \"file\"");
    EXPECT_EQ(errorOf("[database a]\npath = /a.db\n[replica a.x]\n"),
              "test.ini:3: replica needs a \"url\" or a \"type\"");
}

TEST(ExampleIni, IsAcceptedAndShowsEveryOptionOfTheSourcesWithItsDefault) {
    std::ostringstream out;
    out << std::ifstream(LITESTREAM_EXAMPLE_INI).rdbuf();
    EXPECT_EQ(errorOf(out.str()), "no error");
    for (const plugin::Option& option : engine::describeAutoSource(registry()).options) {
        const std::string line = "\n; " + option.name + " = " + option.defaultValue + "\n";
        EXPECT_NE(out.str().find(line), std::string::npos) << option.name;
    }
}

TEST(Resolve, RefusesTimesThatMakeNoSense) {
    EXPECT_EQ(errorOf("[litestream]\nshutdown-sync-timeout = -1s\n"),
              "shutdown-sync-timeout: shutdown-sync-timeout must be >= 0 (got -1s)");
    EXPECT_EQ(errorOf("[litestream]\nshutdown-sync-interval = 0s\n"),
              "shutdown-sync-interval: shutdown sync interval must be greater than 0 (got 0s)");
    EXPECT_EQ(errorOf("[litestream]\nrate-limit.requests-per-second = -1\n"),
              "rate-limit.requests-per-second: rate must not be negative (got -1)");
    EXPECT_EQ(errorOf("[litestream]\nrate-limit.bytes-per-second = 1KiB\n"),
              "rate-limit.bytes-per-second: rate must be at least 64KiB, or 0 for no limit (got 1024)");
    EXPECT_EQ(errorOf("[database a]\npath = /a.db\nsync-interval = 0s\nreplica = file:///a\n"),
              "test.ini:1: sync-interval: sync interval must be greater than 0 (got 0s)");
}

}  // namespace
}  // namespace litestream::config
