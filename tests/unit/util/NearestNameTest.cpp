#include "util/NearestName.h"

#include <gtest/gtest.h>

#include <vector>

namespace litestream {
namespace {

const std::vector<std::string> kNames{"path", "meta-path", "sync-interval", "replica", "codec"};

TEST(NearestName, FindsSlips) {
    EXPECT_EQ(nearestName("pth", kNames), "path");
    EXPECT_EQ(nearestName("apth", kNames), "path");
    EXPECT_EQ(nearestName("sync_interval", kNames), "sync-interval");
    EXPECT_EQ(nearestName("replicas", kNames), "replica");
}

TEST(NearestName, OffersNothingForAnotherWord) {
    EXPECT_EQ(nearestName("bucket", kNames), "");
    EXPECT_EQ(nearestName("xyz", kNames), "");
    EXPECT_EQ(nearestName("x", {}), "");
}

}  // namespace
}  // namespace litestream
