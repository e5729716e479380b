#include "engine/ImageEncoder.h"

#include "support/TemporaryDirectory.h"
#include "engine/Encoding.h"
#include "plugin/Registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace litestream::engine {
namespace {

using litestream::test::TemporaryDirectory;

/// Every page holds its own number, some of them more noise than others.
class NumberedImage final : public Image {
public:
    NumberedImage(std::uint32_t pageSize, std::uint32_t pages) : pageSize_(pageSize), pages_(pages) {}
    std::uint32_t pageSize() const noexcept override { return pageSize_; }
    std::uint32_t pageCount() const noexcept override { return pages_; }
    Position position() const noexcept override { return {}; }
    void read(PageNumber first, MutableBytes into) override {
        for (std::size_t i = 0; i < into.size() / pageSize_; ++i) fill(first + static_cast<PageNumber>(i), into.subspan(i * pageSize_, pageSize_));
    }
    void fill(PageNumber number, MutableBytes page) const {
        std::uint32_t state = number + (changed.contains(number) ? 1'000'000 : 0);
        for (auto& byte : page) {
            if (number % 2 == 0) state = state * 1664525 + 1013904223;
            byte = static_cast<std::byte>(state >> 16);
        }
    }
    std::map<PageNumber, bool> changed;

private:
    const std::uint32_t pageSize_;
    const std::uint32_t pages_;
};

class ImageEncoderTest : public ::testing::TestWithParam<std::pair<std::uint32_t, std::uint32_t>> {
protected:
    ltx::Header header(std::uint32_t pageSize, std::uint32_t commit) {
        ltx::Header head;
        head.pageSize = pageSize;
        head.commit = commit;
        head.minTxid = Txid{1};
        head.maxTxid = Txid{5};
        head.wal = {32, 0, 0, 0};
        return head;
    }

    std::unique_ptr<plugin::Registry> registry_ = plugin::Registry::load({LITESTREAM_BIN "/plugins"});
    std::shared_ptr<const Codec> codec_ = registry_->openCodec("lz4", {});
    ltx::CodecSet codecs_ = registry_->codecs();
    boost::asio::thread_pool helpers_{2};
    TemporaryDirectory directory_;
};

TEST_P(ImageEncoderTest, EncodesEveryPageOnceAndTheSameOnEveryAttempt) {
    const auto [pageSize, pages] = GetParam();
    auto image = std::make_unique<NumberedImage>(pageSize, pages);
    const NumberedImage& reference = *image;
    std::vector<std::uint64_t> sums;
    ImageContent content(std::move(image), header(pageSize, pages), codec_, helpers_,
                         [&](PageNumber first, std::span<const std::uint64_t> run) {
                             if (first == 1) sums.clear();
                             EXPECT_EQ(first, sums.size() + 1);
                             sums.insert(sums.end(), run.begin(), run.end());
                         },
                         directory_.path());
    const auto body = content.open();
    std::vector<std::byte> file;
    for (auto run = body->next(); !run.empty(); run = body->next()) file.insert(file.end(), run.begin(), run.end());

    std::size_t at = 0;
    ltx::Decoder decoder(
        [&](MutableBytes into) {
            const std::size_t count = std::min(into.size(), file.size() - at);
            std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(at), count, into.begin());
            at += count;
            return count;
        },
        codecs_, ltx::Decoder::Strictness::Verify);
    std::vector<std::byte> page(pageSize);
    std::vector<std::byte> expected(pageSize);
    std::uint32_t count = 0;
    while (const PageNumber number = decoder.next(page)) {
        reference.fill(number, expected);
        ASSERT_EQ(page, expected) << "page " << number;
        ASSERT_EQ(sums[number - 1], ltx::pageChecksum(number, page));
        ++count;
    }
    EXPECT_EQ(count, pages);
    EXPECT_EQ(sums.size(), pages);

    body->rewind();
    std::vector<std::byte> again;
    for (auto run = body->next(); !run.empty(); run = body->next()) again.insert(again.end(), run.begin(), run.end());
    EXPECT_EQ(again, file);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ImageEncoderTest,
                         ::testing::Values(std::pair{4096u, 1u}, std::pair{4096u, 128u}, std::pair{4096u, 3000u},
                                           std::pair{512u, 5000u}, std::pair{65536u, 70u}));

TEST_F(ImageEncoderTest, FindsExactlyThePagesThatDiffer) {
    NumberedImage image(1024, 3000);
    PageSums sums(directory_ / "pagesums");
    SumsKeeper keeper(sums);
    const auto build = keeper.build(Txid{5}, 3000);
    encodeImage(image, header(1024, 3000), *codec_, helpers_, directory_ / "1.ltx", build.get());
    keeper.end(build, true);
    ChunkPool pool(64u << 20);
    Batch none(1024, pool, directory_.path());
    EXPECT_EQ(collectDifferences(image, sums, none).pages, 0u);

    image.changed = {{1, true}, {1777, true}, {3000, true}};
    NumberedImage grown(1024, 3002);
    grown.changed = image.changed;
    Batch some(1024, pool, directory_.path());
    EXPECT_EQ(collectDifferences(grown, sums, some).pages, 5u);
    std::vector<PageNumber> pages;
    some.visit(3002, [&](PageNumber number, ConstBytes) { pages.push_back(number); });
    EXPECT_EQ(pages, (std::vector<PageNumber>{1, 1777, 3000, 3001, 3002}));
}

TEST_F(ImageEncoderTest, FindsThePagesThatDifferFromEitherOfTwoStates) {
    NumberedImage image(1024, 300);
    PageSums ours(directory_ / "ours");
    PageSums theirs(directory_ / "theirs");
    for (auto [sums, page] : {std::pair{&ours, 7u}, std::pair{&theirs, 9u}}) {
        image.changed = {{page, true}};
        SumsKeeper keeper(*sums);
        const auto build = keeper.build(Txid{5}, 300);
        encodeImage(image, header(1024, 300), *codec_, helpers_, directory_ / "1.ltx", build.get());
        keeper.end(build, true);
        EXPECT_EQ(sums->load().digest, digestOf(image, {}));
    }
    image.changed.clear();
    ChunkPool pool(64u << 20);
    Batch batch(1024, pool, directory_.path());
    const auto found = collectDifferences(image, ours, batch, &theirs);
    EXPECT_EQ(found.pages, 2u);
    EXPECT_EQ(found.digest, digestOf(image, {}));
    EXPECT_NE(found.digest, ours.load().digest);
    std::vector<PageNumber> pages;
    batch.visit(300, [&](PageNumber number, ConstBytes) { pages.push_back(number); });
    EXPECT_EQ(pages, (std::vector<PageNumber>{7, 9}));
}

TEST_F(ImageEncoderTest, AFileBringsTheSumsForward) {
    NumberedImage image(1024, 300);
    PageSums sums(directory_ / "pagesums");
    SumsKeeper keeper(sums);
    const auto build = keeper.build(Txid{5}, 300);
    encodeImage(image, header(1024, 300), *codec_, helpers_, directory_ / "1.ltx", build.get());
    keeper.end(build, true);
    ChunkPool pool(64u << 20);
    Batch batch(1024, pool, directory_.path());
    image.changed = {{7, true}};
    collectDifferences(image, sums, batch);
    auto head = header(1024, 300);
    head.minTxid = head.maxTxid = Txid{6};
    const auto payload = encodeBatch(batch, head, *codec_, pool, directory_ / "6.ltx", true);
    applyFile(readBody(payload->open()), codecs_, Txid{5}, sums);
    EXPECT_EQ(sums.load().txid, Txid{6});
    Batch none(1024, pool, directory_.path());
    EXPECT_EQ(collectDifferences(image, sums, none).pages, 0u);
}

TEST_F(ImageEncoderTest, T49_ACutThatHasNoOtherPlaceIsHeldInMemory) {
    constexpr std::uint32_t kPageSize = 4096;
    constexpr PageNumber kPages = 3500;  // as many as a full cut has, and what the source's housekeeping may add
    ChunkPool pool(64u << 20);
    Batch batch(kPageSize, pool, directory_.path());
    const NumberedImage image(kPageSize, kPages);
    std::vector<std::byte> page(kPageSize);
    for (PageNumber number = 1; number <= kPages; ++number) {
        image.fill(number, page);
        batch.page(number, page);
    }
    const auto payload = encodeBatch(batch, header(kPageSize, kPages), *codec_, pool, "/proc/no-such-place/5.ltx", true);
    EXPECT_TRUE(payload->inMemory());
    EXPECT_EQ(ltx::verify(readBody(payload->open()), codecs_).fileChecksum, payload->fileChecksum());
}

}  // namespace
}  // namespace litestream::engine
