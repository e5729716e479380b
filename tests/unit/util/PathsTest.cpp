#include "util/Paths.h"

#include <gtest/gtest.h>

namespace litestream {
namespace {

namespace fs = std::filesystem;

TEST(Paths, MakesPathsAbsoluteAndClean) {
    EXPECT_EQ(expandPath("/a/./b/../c"), "/a/c");
    EXPECT_EQ(expandPath("/a/b/"), "/a/b");
    EXPECT_EQ(expandPath("/"), "/");
    EXPECT_EQ(expandPath("app.db"), fs::current_path() / "app.db");
}

TEST(Paths, DropsUpstreamsSchemes) {
    EXPECT_EQ(expandPath("sqlite:///var/app.db"), "/var/app.db");
    EXPECT_EQ(expandPath("sqlite3:///var/app.db"), "/var/app.db");
}

TEST(Paths, ExpandsOnlyTheOwnHome) {
    EXPECT_EQ(expandPath("~/app.db"), expandPath("~") / "app.db");
    EXPECT_TRUE(expandPath("~").is_absolute());
    EXPECT_EQ(expandPath("~other/app.db"), fs::current_path() / "~other/app.db");
}

}  // namespace
}  // namespace litestream
