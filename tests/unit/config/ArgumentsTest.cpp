#include "config/Config.h"

#include <gtest/gtest.h>

namespace litestream::config {
namespace {

TEST(Arguments, FillTheSameModelAsAFile) {
    const std::vector<std::string> urls{"file:///a", "file:///b"};
    const Config config = fromArguments("app.db", urls);
    ASSERT_EQ(config.databases.size(), 1u);
    EXPECT_EQ(config.databases[0].path, std::filesystem::current_path() / "app.db");
    ASSERT_EQ(config.databases[0].replicas.size(), 2u);
    EXPECT_EQ(config.databases[0].replicas[1].url, "file:///b");
    EXPECT_EQ(config.databases[0].place.prefix(), "") << "a command line has no line numbers";
}

TEST(Arguments, LevelsAreReadInAnyCase) {
    EXPECT_EQ(parseLevel("Warning"), log::Level::Warn);
    EXPECT_EQ(parseLevel("TRACE"), log::Level::Trace);
    EXPECT_FALSE(parseLevel("loud"));
}

TEST(Arguments, AMissingFileIsNamed) {
    try {
        readFile("/no/such/litestream.ini");
        FAIL();
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "config file not found: /no/such/litestream.ini");
    }
}

}  // namespace
}  // namespace litestream::config
