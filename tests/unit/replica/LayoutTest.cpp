#include "replica/Layout.h"

#include <gtest/gtest.h>

namespace litestream::replica {
namespace {

const FileId kFile{Level{0}, {Txid{1}, Txid{0xab}}};
const FileId kSnapshot{kSnapshotLevel, {Txid{1}, Txid{5}}};

TEST(Layout, MakesTheKeysOfBothFamilies) {
    const Layout tree(LayoutFamily::Tree);
    EXPECT_EQ(tree.key(kFile), "ltx/0/0000000000000001-00000000000000ab.ltx");
    EXPECT_EQ(tree.key(kSnapshot), "ltx/9/0000000000000001-0000000000000005.ltx");
    EXPECT_EQ(tree.prefix(Level{3}), "ltx/3/");
    const Layout flat(LayoutFamily::Flat);
    EXPECT_EQ(flat.key(kFile), "0000/0000000000000001-00000000000000ab.ltx");
    EXPECT_EQ(flat.key(kSnapshot), "0009/0000000000000001-0000000000000005.ltx");
    EXPECT_EQ(flat.prefix(Level{3}), "0003/");
}

TEST(Layout, ReadsBackEveryKeyItMakes) {
    for (const auto family : {LayoutFamily::Tree, LayoutFamily::Flat}) {
        const Layout layout(family);
        for (std::uint32_t level = 0; level <= 9; ++level) {
            const FileId file{Level{level}, {Txid{7}, Txid{0xffffffffffffffff}}};
            EXPECT_EQ(layout.parse(layout.key(file)), file);
            EXPECT_EQ(layout.parse(file.level, layout.key(file)), file);
            EXPECT_EQ(layout.parse(Level{(level + 1) % 10}, layout.key(file)), std::nullopt);
            EXPECT_TRUE(layout.key(file).starts_with(layout.prefix()));
        }
    }
}

TEST(Layout, KnowsForeignKeys) {
    const Layout tree(LayoutFamily::Tree);
    for (const char* key : {"", "ltx", "ltx/", "ltx/0", "ltx/0/", "ltx/10/0000000000000001-0000000000000001.ltx", "ltx/foo/x", "ltx/0/junk.ltx",
                            "ltx/0/0000000000000001-0000000000000001.ltx.tmp", "ltx/0/000000000000000A-000000000000000A.ltx",
                            "ltx/0/sub/0000000000000001-0000000000000001.ltx", "ltx/00/0000000000000001-0000000000000001.ltx",
                            "0000/0000000000000001-0000000000000001.ltx"}) {
        EXPECT_EQ(tree.parse(key), std::nullopt) << key;
    }
    const Layout flat(LayoutFamily::Flat);
    for (const char* key : {"000", "000a/0000000000000001-0000000000000001.ltx", "0010/0000000000000001-0000000000000001.ltx",
                            "ltx/0/0000000000000001-0000000000000001.ltx", "00000/0000000000000001-0000000000000001.ltx", "lock.json"}) {
        EXPECT_EQ(flat.parse(key), std::nullopt) << key;
    }
}

}  // namespace
}  // namespace litestream::replica
