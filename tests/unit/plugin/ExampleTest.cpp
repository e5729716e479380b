#include "PluginDirectory.h"

#include <array>

namespace litestream::plugin {

TEST(HeaderExample, LoadsAndPacksPages) {
    PluginDirectory directory;
    directory.add("codec-plain");
    const auto registry = directory.load();
    ASSERT_TRUE(registry->refused().empty()) << registry->refused()[0].reason;
    ASSERT_EQ(registry->plugins().size(), 1u);
    EXPECT_EQ(registry->plugins()[0].version, "1.0.0");
    EXPECT_EQ(registry->plugins()[0].summary, "stores pages as they are");
    EXPECT_EQ(registry->plugins()[0].file.filename(), "codec-plain.so");

    const auto codec = registry->openCodec("plain", {});
    std::array<std::byte, 512> page{};
    page[3] = std::byte{7};
    std::array<std::byte, 512> packed{};
    std::array<std::byte, 512> restored{};
    EXPECT_EQ(codec->pack(page, packed), 512u);
    EXPECT_EQ(codec->unpack(0x4000, packed, restored), 512u);
    EXPECT_EQ(restored, page);
    // Thrown in the plugin, caught here by its type: both see the SDK's one type information.
    EXPECT_EQ(errorOf([&] { codec->unpack(0x4000, ConstBytes(packed).first(5), restored); }).code(), ErrorCode::Corrupt);
    EXPECT_EQ(registry->codecs().find(0x4000).form.flags, 0x4000);
}

}  // namespace litestream::plugin
