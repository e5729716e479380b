#include "migrate/ObjectId.h"

#include <gtest/gtest.h>

namespace litestream::migrate {
namespace {

constexpr const char* kFile = "0000000000000002-000000000000000f.ltx";
constexpr const char* kSegment = "generations/0123456789abcdef/wal/00000002_00001038.wal.lz4";
constexpr const char* kSnapshot = "generations/0123456789abcdef/snapshots/00000002.snapshot.lz4";

TEST(ObjectIdTest, BothFamiliesNameTheSameFile) {
    const auto tree = parseKey(std::string("ltx/3/") + kFile);
    const auto flat = parseKey(std::string("0003/") + kFile);
    ASSERT_TRUE(tree && flat);
    EXPECT_EQ(tree->id, flat->id);
    EXPECT_EQ(keyOf(tree->id, LayoutFamily::Flat), std::string("0003/") + kFile);
    EXPECT_EQ(keyOf(flat->id, LayoutFamily::Tree), std::string("ltx/3/") + kFile);
}

TEST(ObjectIdTest, GenerationsAreTheSameInBothFamilies) {
    for (const char* key : {kSegment, kSnapshot, "generations/0123456789abcdef/wal/00000002_123456789a.wal.lz4"}) {
        const auto parsed = parseKey(key);
        ASSERT_TRUE(parsed) << key;
        EXPECT_EQ(keyOf(parsed->id, LayoutFamily::Tree), key);
        EXPECT_EQ(keyOf(parsed->id, LayoutFamily::Flat), key);
    }
    EXPECT_TRUE(isBase(parseKey(kSnapshot)->id));
    EXPECT_FALSE(isBase(parseKey(kSegment)->id));
}

TEST(ObjectIdTest, WhatOnlyLooksLikeAKeyIsNone) {
    for (const char* key : {"ltx/10/0000000000000001-0000000000000001.ltx", "ltx/0/junk.ltx", "0000/0000000000000001-0000000000000001.LTX",
                            "generations/0123456789ABCDEF/snapshots/00000002.snapshot.lz4", "generations/0123456789abcdef/snapshots/2.snapshot.lz4",
                            "generations/0123456789abcdef/wal/00000002.wal.lz4", "generations/0123456789abcdef/snapshots/80000000.snapshot.lz4",
                            "generations/0123456789abcdef/wal/00000002_00001038.wal.lz4.tmp", "generations/-123456789abcdef/snapshots/00000002.snapshot.lz4",
                            "lock.json", "", "/"}) {
        EXPECT_FALSE(parseKey(key)) << key;
    }
}

TEST(ObjectIdTest, AReplicaIsFoundAnywhere) {
    const auto root = [](const std::string& key) {
        const auto placed = findReplicaKey(key);
        return placed ? std::string(placed->root) : std::string("none");
    };
    EXPECT_EQ(root(std::string("ltx/0/") + kFile), "");
    EXPECT_EQ(root(std::string("a/b/0009/") + kFile), "a/b/");
    EXPECT_EQ(root(std::string("ltx/ltx/0/") + kFile), "ltx/");
    EXPECT_EQ(root(std::string("x/") + kSegment), "x/");
    EXPECT_EQ(root("x/notes.txt"), "none");
}

}  // namespace
}  // namespace litestream::migrate
