#include "PluginDirectory.h"

#include <stdlib.h>
#include <unistd.h>

namespace litestream::plugin {

namespace {

namespace fs = std::filesystem;

/// Sets an environment variable for one test.
class Environment {
public:
    Environment(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
    ~Environment() { ::unsetenv(name_); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

private:
    const char* name_;
};

fs::path home() { return fs::read_symlink("/proc/self/exe").parent_path(); }

}  // namespace

TEST(SearchPath, GoesFromTheProgramToTheConfigurationToTheEnvironment) {
    const Environment environment("LITESTREAM_PLUGIN_PATH", "/first::/second:");
    const std::vector<fs::path> expected{home() / "plugins", home().parent_path() / "lib/litestream/plugins", "/configured", "/first",
                                         "/second"};
    EXPECT_EQ(Registry::searchPath("/configured"), expected);
}

TEST(SearchPath, HasNothingElseWhenNothingIsConfigured) {
    ::unsetenv("LITESTREAM_PLUGIN_PATH");
    EXPECT_EQ(Registry::searchPath({}).size(), 2u);
}

TEST(Search, FirstDirectoryWins) {
    PluginDirectory first;
    PluginDirectory second;
    first.add("codec-twin");
    second.add("codec-good");
    second.add("codec-plain");
    const auto registry = Registry::load({first.path(), second.path()});
    ASSERT_NE(registry->find(PluginKind::Codec, "good"), nullptr);
    EXPECT_EQ(registry->find(PluginKind::Codec, "good")->file, fs::canonical(first.path() / "codec-twin.so"));
    EXPECT_NE(registry->find(PluginKind::Codec, "plain"), nullptr);
    ASSERT_EQ(registry->refused().size(), 1u);
    EXPECT_EQ(registry->refused()[0].file, second.path() / "codec-good.so");
}

TEST(Search, TakesADirectoryAndAFileOnlyOnce) {
    PluginDirectory directory;
    directory.add("codec-good");
    fs::create_symlink("codec-good.so", directory.path() / "codec-link.so");
    const auto registry = Registry::load({directory.path(), directory.path() / ".", directory.path()});
    EXPECT_EQ(registry->plugins().size(), 1u);
    EXPECT_TRUE(registry->refused().empty());
}

TEST(Search, SkipsWhatIsNotMeantAsAPlugin) {
    PluginDirectory directory;
    directory.add("codec-good");
    directory.write("README", "text");
    directory.write("codec-old.so.bak", "text");
    const auto registry = Registry::load({"/nowhere/at/all", directory.path()});
    EXPECT_EQ(registry->plugins().size(), 1u);
    EXPECT_TRUE(registry->refused().empty());
}

TEST(Search, SortsByKindAndName) {
    PluginDirectory directory;
    for (const char* name : {"codec-plain", "codec-good", "codec-faulty", "transport-faulty", "source-faulty"}) directory.add(name);
    const auto registry = directory.load();
    std::vector<std::string> names;
    for (const LoadedPlugin& plugin : registry->plugins()) names.push_back(plugin.file.stem().string());
    EXPECT_EQ(names, (std::vector<std::string>{"source-faulty", "transport-faulty", "codec-faulty", "codec-good", "codec-plain"}));
}

}  // namespace litestream::plugin
