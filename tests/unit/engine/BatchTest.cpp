#include "engine/Batch.h"

#include "support/TemporaryDirectory.h"

#include <gtest/gtest.h>

#include <map>

namespace litestream::engine {
namespace {

using litestream::test::TemporaryDirectory;

std::vector<std::byte> pageOf(std::uint32_t pageSize, unsigned value) {
    return std::vector<std::byte>(pageSize, static_cast<std::byte>(value));
}

std::map<PageNumber, unsigned> contents(const Batch& batch, std::uint32_t commit) {
    std::map<PageNumber, unsigned> found;
    PageNumber last = 0;
    batch.visit(commit, [&](PageNumber number, ConstBytes content) {
        EXPECT_GT(number, last) << "pages come in ascending order";
        EXPECT_EQ(content.front(), content.back());
        last = number;
        found[number] = static_cast<unsigned>(content.front());
    });
    return found;
}

TEST(Batch, KeepsTheNewestVersionOfEachPageUpToTheLastCommit) {
    TemporaryDirectory directory;
    ChunkPool pool(64u << 20);
    Batch batch(4096, pool, directory.path());
    batch.page(7, pageOf(4096, 1));
    batch.page(2, pageOf(4096, 2));
    batch.page(7, pageOf(4096, 3));
    batch.page(9, pageOf(4096, 4));
    EXPECT_EQ(batch.pageCount(), 3u);
    EXPECT_EQ(contents(batch, 8), (std::map<PageNumber, unsigned>{{2, 2}, {7, 3}}));
}

TEST(Batch, SpillsBeyondItsMemoryAndReplacesThereToo) {
    TemporaryDirectory directory;
    ChunkPool pool(ChunkPool::kChunkBytes);  // one chunk: 64 pages of 4 KiB
    Batch batch(4096, pool, directory.path());
    std::map<PageNumber, unsigned> expected;
    for (PageNumber page = 200; page >= 1; --page) {
        batch.page(page, pageOf(4096, page % 251));
        expected[page] = page % 251;
    }
    for (const PageNumber page : {1u, 100u, 199u, 200u}) {
        batch.page(page, pageOf(4096, 255));
        expected[page] = 255;
    }
    EXPECT_EQ(contents(batch, 200), expected);
    EXPECT_TRUE(std::filesystem::is_empty(directory.path())) << "the spill file has no name";
}

TEST(Batch, SaysWhereItCouldNotSpill) {
    ChunkPool pool(0);
    Batch batch(512, pool, "/proc/no-such-place");
    EXPECT_ANY_THROW(batch.page(1, pageOf(512, 1)));
}

TEST(ChunkPool, StopsAtItsLimitAndGoesOnWhenSomethingComesBack) {
    ChunkPool pool(2 * ChunkPool::kChunkBytes);
    auto first = pool.tryTake();
    auto second = pool.tryTake();
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(pool.tryTake());
    EXPECT_TRUE(pool.take()) << "take() is for what cannot wait";
    second.reset();
    EXPECT_TRUE(pool.tryTake());
}

}  // namespace
}  // namespace litestream::engine
