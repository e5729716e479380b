#include "Fixture.h"

#include <thread>

#include <lz4frame.h>
#include <lz4hc.h>

namespace litestream::ltx {
namespace {

using testing::Buffer;
using testing::fails;

Buffer packedBlock(const Buffer& page, const Codec& codec = testing::lz4()) {
    Buffer out(codec.maxPacked(page.size()));
    out.resize(codec.pack(page, out));
    return out;
}

/// As Litestream 0.5.0 to 0.5.15 wrote pages, unless `change` has other ideas.
Buffer packedFrame(const Buffer& page, const std::function<void(LZ4F_preferences_t&)>& change = {}) {
    LZ4F_preferences_t preferences{};
    preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    preferences.frameInfo.blockMode = LZ4F_blockIndependent;
    preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    if (change) change(preferences);
    Buffer out(LZ4F_compressFrameBound(page.size(), &preferences));
    out.resize(LZ4F_compressFrame(out.data(), out.size(), page.data(), page.size(), &preferences));
    return out;
}

std::size_t unpack(std::uint16_t flags, ConstBytes packed, Buffer& page) {
    return testing::lz4().unpack(flags, packed, page);
}

TEST(Lz4Codec, WritesABlockThatPlainLz4Reads) {
    for (const Buffer& page : {testing::textPage(4096, 1), testing::noisePage(4096, 2), Buffer(4096)}) {
        const Buffer packed = packedBlock(page);
        Buffer back(page.size());
        EXPECT_EQ(
            LZ4_decompress_safe(reinterpret_cast<const char*>(packed.data()), reinterpret_cast<char*>(back.data()),
                                static_cast<int>(packed.size()), static_cast<int>(back.size())),
            4096);
        EXPECT_EQ(back, page);
    }
}

TEST(Lz4Codec, PacksAPageTheSameWayWhateverCameBefore) {
    const Buffer page = testing::textPage(4096, 1);
    const Buffer first = packedBlock(page);
    for (std::uint32_t seed = 0; seed < 200; ++seed) packedBlock(testing::textPage(512u << (seed % 8), seed));
    EXPECT_EQ(packedBlock(page), first);
    Buffer elsewhere;
    std::thread([&] { elsewhere = packedBlock(page); }).join();
    EXPECT_EQ(elsewhere, first);
}

TEST(Lz4Codec, ReadsBlocksOfOtherCompressors) {
    const Buffer page = testing::textPage(4096, 1);
    for (const int level : {1, 9, 12}) {
        Buffer packed(testing::lz4().maxPacked(page.size()));
        const int size =
            LZ4_compress_HC(reinterpret_cast<const char*>(page.data()), reinterpret_cast<char*>(packed.data()), 4096,
                            static_cast<int>(packed.size()), level);
        packed.resize(static_cast<std::size_t>(size));
        Buffer back(page.size());
        EXPECT_EQ(unpack(1, packed, back), packed.size());
        EXPECT_EQ(back, page);
    }
}

TEST(Lz4Codec, KeepsToItsBound) {
    for (std::uint32_t size = 512; size <= 65536; size *= 2) {
        const Buffer page = testing::noisePage(size, size);
        const std::size_t most = testing::lz4().maxPacked(size);
        EXPECT_LE(packedBlock(page).size(), most);
        EXPECT_LE(packedFrame(page,
                              [&](auto& p) {
                                  p.frameInfo.contentSize = size;
                                  p.frameInfo.dictID = 1;
                                  p.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
                              })
                      .size(),
                  most);
    }
}

TEST(Lz4Codec, RefusesBlocksOfAnyOtherLength) {
    Buffer page(512);
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "511 bytes in place of 512",
                      [&] { unpack(1, packedBlock(testing::textPage(511, 1)), page); }));
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "longer", [&] { unpack(1, packedBlock(testing::textPage(513, 1)), page); }));
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "block of 0 bytes", [&] { unpack(1, {}, page); }));
    Buffer packed = packedBlock(testing::textPage(512, 1));
    packed.push_back(std::byte{0});
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "block", [&] { unpack(1, packed, page); }));
}

TEST(Lz4Codec, ReadsAFrameAndSaysWhereItEnds) {
    for (const std::uint32_t size : {512u, 4096u, 65536u}) {
        for (const Buffer& page : {testing::textPage(size, 1), testing::noisePage(size, 2)}) {
            Buffer packed = packedFrame(page);
            const std::size_t length = packed.size();
            packed.resize(length + 100, std::byte{0x55});
            Buffer back(size);
            EXPECT_EQ(unpack(0, packed, back), length);
            EXPECT_EQ(back, page);
        }
    }
}

TEST(Lz4Codec, ReadsFramesOfOtherBlockSizesAndModes) {
    const Buffer page = testing::textPage(65536, 1);
    const auto reads = [&](const std::function<void(LZ4F_preferences_t&)>& change) {
        const Buffer packed = packedFrame(page, change);
        Buffer back(page.size());
        EXPECT_EQ(unpack(0, packed, back), packed.size());
        EXPECT_EQ(back, page);
    };
    for (const auto size : {LZ4F_max256KB, LZ4F_max1MB, LZ4F_max4MB}) {
        reads([&](auto& p) { p.frameInfo.blockSizeID = size; });
    }
    reads([](auto& p) { p.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled; });
    reads([](auto& p) { p.frameInfo.blockMode = LZ4F_blockLinked; });
}

TEST(Lz4Codec, RefusesFramesOfAnyOtherLength) {
    Buffer page(512);
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "511 bytes in place of 512",
                      [&] { unpack(0, packedFrame(testing::textPage(511, 1)), page); }));
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "more than a page",
                      [&] { unpack(0, packedFrame(testing::textPage(513, 1)), page); }));
    const Buffer packed = packedFrame(testing::textPage(512, 1));
    for (std::size_t size = 0; size < packed.size(); ++size) {
        EXPECT_TRUE(fails(ErrorCode::Corrupt, "frame", [&] { unpack(0, ConstBytes(packed).first(size), page); }))
            << size;
    }
    // A fault leaves nothing behind for the next page.
    EXPECT_EQ(unpack(0, packed, page), packed.size());
    EXPECT_EQ(page, testing::textPage(512, 1));
}

TEST(Lz4Codec, RefusesFramesWithoutOrWithAWrongContentChecksum) {
    Buffer page(512);
    Buffer packed = packedFrame(testing::textPage(512, 1),
                                [](auto& p) { p.frameInfo.contentChecksumFlag = LZ4F_noContentChecksum; });
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "without a content checksum", [&] { unpack(0, packed, page); }));
    packed = packedFrame(testing::textPage(512, 1));
    packed.back() ^= std::byte{1};
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "frame", [&] { unpack(0, packed, page); }));
}

TEST(Lz4Codec, RefusesSkippableFrames) {
    Buffer packed{std::byte{0x50}, std::byte{0x2a}, std::byte{0x4d}, std::byte{0x18},
                  std::byte{0},    std::byte{0},    std::byte{0},    std::byte{0}};
    packed.resize(64);
    Buffer page(512);
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "without a page", [&] { unpack(0, packed, page); }));
}

TEST(Lz4Codec, TradesSizeForSpeed) {
    OptionValues options;
    options.set("acceleration", "1000");
    const auto fast = testing::openLz4(options);
    const Buffer page = testing::textPage(4096, 1);
    EXPECT_GT(packedBlock(page, *fast).size(), packedBlock(page).size());
    Buffer back(page.size());
    unpack(1, packedBlock(page, *fast), back);
    EXPECT_EQ(back, page);
}

TEST(Lz4Codec, RefusesAnAccelerationOutOfRange) {
    for (const char* value : {"0", "-1", "65538"}) {
        OptionValues options;
        options.set("acceleration", value);
        EXPECT_TRUE(fails(ErrorCode::InvalidArgument, "acceleration", [&] { testing::openLz4(options); })) << value;
    }
}

}  // namespace
}  // namespace litestream::ltx
