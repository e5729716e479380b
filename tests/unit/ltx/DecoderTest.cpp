#include "Fixture.h"

#include "ltx/Bytes.h"

#include <random>

namespace litestream::ltx {
namespace {

using testing::Buffer;
using testing::fails;
using testing::Pages;
using Strictness = Decoder::Strictness;

/// Puts the right file checksum behind a sound file whose header, index or trailer a test has changed.
void reseal(Buffer& file) {
    std::uint64_t needed = 0;
    const auto index = decodeIndex(file, file.size(), needed);
    const ConstBytes bytes = file;
    std::uint64_t crc = crc64(0, bytes.first(kHeaderSize));
    std::size_t end = kHeaderSize;
    for (const IndexEntry& entry : *index) {
        Buffer content(load<std::uint32_t>(bytes.data() + 8));
        decodeFrame(bytes.subspan(entry.offset, entry.size), entry.page, testing::lz4Set(), content);
        crc = crc64(crc64(crc, bytes.subspan(entry.offset, 10)), content);
        end = entry.offset + entry.size;
    }
    crc = crc64(crc, bytes.subspan(end, bytes.size() - end - 8));
    store(file.data() + file.size() - 8, kChecksumFlag | crc);
}

Buffer smallFile() {
    return testing::encodeFile(
        testing::header(512, 3, 1, 4),
        {{1, testing::textPage(512, 1)}, {2, testing::noisePage(512, 2)}, {3, testing::textPage(512, 3)}});
}

std::vector<std::filesystem::path> smallVectors() {
    const auto handMade = testing::ltxFilesBelow(testing::dataDirectory() / "hand-made");
    auto files = testing::ltxFilesBelow(testing::dataDirectory() / "real-vfs-0.5.17");
    files.insert(files.end(), handMade.begin(), handMade.end());
    return files;
}

TEST(Decoder, ReadsTheSameFromPiecesOfAnySize) {
    Pages pages;
    for (PageNumber page = 1; page <= 40; ++page) pages[page] = testing::noisePage(16384, page);
    const Buffer file = testing::encodeFile(testing::header(16384, 40, 1, 1), pages);
    ASSERT_GT(file.size(), 600'000u);  // several windows
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{97}, std::size_t{4096}, std::size_t{262'144}, SIZE_MAX}) {
        EXPECT_EQ(testing::decode(file, Strictness::Verify, piece).pages, pages) << piece;
    }
    for (const auto& path : smallVectors()) {
        const Buffer small = testing::readFile(path);
        EXPECT_EQ(testing::decode(small, Strictness::Verify, 1).pages, testing::decode(small).pages) << path;
    }
}

TEST(Decoder, RefusesAFileThatEndsAnywhereEarly) {
    for (const auto& path : smallVectors()) {
        const Buffer file = testing::readFile(path);
        for (std::size_t size = 0; size < file.size(); ++size) {
            for (const Strictness strictness : {Strictness::Restore, Strictness::Verify}) {
                ASSERT_EQ(testing::refusal(ConstBytes(file).first(size), strictness), ErrorCode::Corrupt)
                    << path << " at " << size;
            }
        }
    }
}

TEST(Decoder, RefusesAnythingBehindTheTrailer) {
    Buffer file = smallFile();
    file.push_back(std::byte{0});
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "behind its trailer", [&] { testing::decode(file, Strictness::Restore); }));
}

// The checksum covers pages, not packed bytes: a flip there that unpacks to the same page cannot be seen and does no harm.
TEST(Decoder, RefusesEverySingleBitFlipThatChangesAnything) {
    for (const auto& path : smallVectors()) {
        Buffer file = testing::readFile(path);
        const auto good = testing::decode(file);
        std::size_t harmless = 0;
        for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
            const auto mask = static_cast<std::byte>(1u << (bit % 8));
            file[bit / 8] ^= mask;
            try {
                const auto decoded = testing::decode(file);
                ASSERT_EQ(decoded.pages, good.pages) << path << " bit " << bit;
                ASSERT_EQ(encode(decoded.header), encode(good.header)) << path << " bit " << bit;
                ASSERT_EQ(decoded.trailer.fileChecksum, good.trailer.fileChecksum) << path << " bit " << bit;
                ++harmless;
            } catch (const Error& error) {
                ASSERT_TRUE(error.code() == ErrorCode::Corrupt || error.code() == ErrorCode::Unsupported)
                    << error.what();
            }
            file[bit / 8] ^= mask;
        }
        EXPECT_LT(harmless, 8 * file.size() / 10) << path;
    }
}

TEST(Decoder, RefusesEverySingleBitFlipOutsidePackedBytes) {
    Buffer file = smallFile();
    std::uint64_t needed = 0;
    const auto index = decodeIndex(file, file.size(), needed);
    std::vector<bool> packed(file.size(), false);
    for (const IndexEntry& entry : *index) {
        std::fill_n(packed.begin() + static_cast<std::ptrdiff_t>(entry.offset) + 10, entry.size - 10, true);
    }
    for (std::size_t bit = 0; bit < 8 * file.size(); ++bit) {
        if (packed[bit / 8]) continue;
        const auto mask = static_cast<std::byte>(1u << (bit % 8));
        file[bit / 8] ^= mask;
        EXPECT_TRUE(testing::refusal(file, Strictness::Verify)) << bit;
        file[bit / 8] ^= mask;
    }
}

TEST(Decoder, AcceptsAnUpdateWithRightDatabaseChecksums) {
    Buffer file = testing::encodeFile(testing::header(512, 3, 2, 2), {{2, testing::noisePage(512, 2)}});
    store(file.data() + 4, std::uint32_t{0});
    store(file.data() + 40, kChecksumFlag | 7);
    store(file.data() + file.size() - 16, kChecksumFlag | 9);
    reseal(file);
    EXPECT_EQ(testing::decode(file).trailer.postApplyChecksum, kChecksumFlag | 9);

    store(file.data() + file.size() - 16, std::uint64_t{9});
    reseal(file);
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "top bit", [&] { testing::decode(file); }));
}

TEST(Decoder, ComputesASnapshotsDatabaseChecksum) {
    Buffer file = smallFile();
    std::uint64_t database = kChecksumFlag;
    for (const auto& [number, content] : testing::decode(file).pages) {
        database = (database ^ pageChecksum(number, content)) | kChecksumFlag;
    }
    store(file.data() + 4, std::uint32_t{0});
    store(file.data() + file.size() - 16, database);
    reseal(file);
    EXPECT_EQ(testing::decode(file).trailer.postApplyChecksum, database);

    store(file.data() + file.size() - 16, database ^ 1);
    reseal(file);
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "pages give", [&] { testing::decode(file, Strictness::Restore); }));
}

TEST(Decoder, AcceptsADeletedDatabaseOnlyWithItsChecksum) {
    Buffer file = testing::encodeFile(testing::header(512, 1, 2, 2), {});
    store(file.data() + 4, std::uint32_t{0});
    store(file.data() + 12, std::uint32_t{0});
    store(file.data() + 40, kChecksumFlag | 7);
    store(file.data() + file.size() - 16, kChecksumFlag);
    reseal(file);
    EXPECT_TRUE(testing::decode(file).pages.empty());
    store(file.data() + file.size() - 16, kChecksumFlag | 1);
    reseal(file);
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "empty database", [&] { testing::decode(file); }));
}

TEST(Decoder, KeepsReservedBytesForStricterReaders) {
    Buffer file = smallFile();
    file[99] = std::byte{1};
    reseal(file);
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "reserved", [&] { testing::decode(file, Strictness::Verify); }));
    EXPECT_FALSE(testing::refusal(file, Strictness::Restore));
}

TEST(Decoder, RefusesTheLockPage) {
    constexpr std::uint32_t kSize = 65536;
    constexpr PageNumber kLock = lockPage(kSize);
    Buffer file = testing::encodeFile(testing::header(kSize, kLock + 1, 2, 2), {{kLock + 1, Buffer(kSize)}});
    store(file.data() + kHeaderSize, kLock);
    for (const Strictness strictness : {Strictness::Restore, Strictness::Verify}) {
        EXPECT_TRUE(fails(ErrorCode::Corrupt, "lock page", [&] { testing::decode(file, strictness); }));
    }
}

TEST(Decoder, StaysAtTheEnd) {
    const Buffer file = smallFile();
    Decoder decoder(testing::sourceOf(file), testing::lz4Set());
    Buffer content(512);
    while (decoder.next(content) != 0) EXPECT_FALSE(decoder.packed().bytes.empty());
    EXPECT_EQ(decoder.next(content), 0u);
    EXPECT_EQ(verify(testing::sourceOf(file), testing::lz4Set()).fileChecksum, decoder.trailer().fileChecksum);
}

TEST(Decoder, RefusesABufferOfAnotherSize) {
    const Buffer file = smallFile();
    Decoder decoder(testing::sourceOf(file), testing::lz4Set());
    Buffer content(1024);
    EXPECT_TRUE(fails(ErrorCode::InvalidArgument, "1024 bytes for pages of 512", [&] { decoder.next(content); }));
}

TEST(Decoder, PassesOnWhatItsSourceThrows) {
    const auto broken = [](MutableBytes) -> std::size_t {
        throw Error(ErrorCode::Transient, "connection reset by peer");
    };
    EXPECT_TRUE(fails(ErrorCode::Transient, "reset by peer", [&] { verify(broken, testing::lz4Set()); }));
}

TEST(DecodeFrame, RefusesWhatIsNotExactlyTheFrame) {
    const Buffer file = smallFile();
    std::uint64_t needed = 0;
    const auto index = decodeIndex(file, file.size(), needed);
    const IndexEntry& entry = index->front();
    Buffer content(512);
    const auto decodeBytes = [&](std::size_t size, PageNumber page) {
        decodeFrame(ConstBytes(file).subspan(entry.offset, size), page, testing::lz4Set(), content);
    };
    decodeBytes(entry.size, 1);
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "promises page 2", [&] { decodeBytes(entry.size, 2); }));
    EXPECT_TRUE(fails(ErrorCode::Corrupt, "instead of", [&] { decodeBytes(entry.size + 1, 1); }));
    for (std::size_t size = 0; size < entry.size; ++size) {
        EXPECT_TRUE(fails(ErrorCode::Corrupt, "page 1", [&] { decodeBytes(size, 1); })) << size;
    }
}

}  // namespace
}  // namespace litestream::ltx
