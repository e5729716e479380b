#include "migrate/SameRoot.h"

#include "support/ErrorOf.h"
#include "support/TemporaryDirectory.h"

#include <gtest/gtest.h>

namespace litestream::migrate {
namespace {

Place directory(const std::string& path) { return {"file", {{"path", path}}}; }
Place bucket(const std::string& name, const std::string& path) { return {"s3", {{"bucket", name}, {"path", path}}}; }

TEST(SameRootTest, TheSamePlaceIsRefused) {
    EXPECT_EQ(test::errorOf([] { requireDifferentPlaces(bucket("b", "db"), bucket("b", "db"), false); }).code(), ErrorCode::InvalidArgument);
    EXPECT_NO_THROW(requireDifferentPlaces(bucket("b", "db"), bucket("c", "db"), true));
    EXPECT_NO_THROW(requireDifferentPlaces(bucket("b", "db"), bucket("b", "db2"), true));
}

TEST(SameRootTest, LinksAreFollowed) {
    const test::TemporaryDirectory dir;
    std::filesystem::create_directory(dir / "real");
    std::filesystem::create_directory_symlink(dir / "real", dir / "link");
    const Place real = directory((dir / "real" / "db").string());
    EXPECT_EQ(test::errorOf([&] { requireDifferentPlaces(real, directory((dir / "link" / "db").string() + "/"), false); }).code(),
              ErrorCode::InvalidArgument);
}

TEST(SameRootTest, OneInsideTheOtherIsRefusedOnlyWhereItMatters) {
    EXPECT_NO_THROW(requireDifferentPlaces(directory("/a"), directory("/a/b"), false));
    for (const auto& [from, to] : {std::pair("/a", "/a/b"), std::pair("/a/b", "/a"), std::pair("/", "/a")}) {
        EXPECT_THROW(requireDifferentPlaces(directory(from), directory(to), true), Error);
    }
    EXPECT_NO_THROW(requireDifferentPlaces(directory("/a"), directory("/ab"), true));
    EXPECT_THROW(requireDifferentPlaces(bucket("b", ""), bucket("b", "db"), true), Error);
}

}  // namespace
}  // namespace litestream::migrate
