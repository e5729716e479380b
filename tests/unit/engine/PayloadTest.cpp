#include "engine/Payload.h"

#include "support/TemporaryDirectory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>

namespace litestream::engine {
namespace {

using litestream::test::TemporaryDirectory;

std::vector<std::byte> noise(std::size_t size) {
    std::vector<std::byte> bytes(size);
    std::minstd_rand random(17);
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::byte>(random() >> 8); });
    return bytes;
}

std::vector<std::byte> readAll(Body& body) {
    std::vector<std::byte> all;
    for (auto run = body.next(); !run.empty(); run = body.next()) all.insert(all.end(), run.begin(), run.end());
    return all;
}

class PayloadTest : public ::testing::TestWithParam<std::size_t> {
protected:
    std::shared_ptr<Payload> make(const std::vector<std::byte>& content) {
        auto memory = std::make_unique<ChunkBuffer>(pool_);
        // Pieces of odd sizes, as an encoder makes them.
        for (std::size_t at = 0; at < content.size();) {
            const std::size_t piece = std::min<std::size_t>(content.size() - at, 1 + at % 5000);
            memory->write(std::span(content).subspan(at, piece));
            at += piece;
        }
        EXPECT_EQ(memory->size(), content.size());
        return std::make_shared<Payload>(Payload::Identity{Txid{1}, {}, 1, content.size(), 7}, std::move(memory),
                                         directory_ / "spool/1.ltx");
    }

    TemporaryDirectory directory_;
    ChunkPool pool_{64u << 20};
};

TEST_P(PayloadTest, GivesTheSameBytesFromMemoryAndFromTheSpool) {
    const auto content = noise(GetParam());
    const auto payload = make(content);
    const auto reader = payload->open();
    EXPECT_EQ(readAll(*reader), content);
    reader->rewind();
    EXPECT_EQ(readAll(*reader), content);
    payload->persist();
    EXPECT_FALSE(payload->inMemory());
    EXPECT_EQ(readAll(*payload->open()), content);
    EXPECT_EQ(std::filesystem::file_size(directory_ / "spool/1.ltx"), content.size());
    reader->rewind();
    EXPECT_EQ(readAll(*reader), content) << "a reader that was opened before keeps its bytes";
    payload->discard();
    EXPECT_TRUE(std::filesystem::is_empty(directory_ / "spool"));
}

INSTANTIATE_TEST_SUITE_P(Sizes, PayloadTest,
                         ::testing::Values(1, 140, 32 * 1024, 32 * 1024 + 1, 256 * 1024, 300 * 1024, 3u << 20));

TEST_F(PayloadTest, KeepsItsMemoryWhenItCannotBeSpooled) {
    auto memory = std::make_unique<ChunkBuffer>(pool_);
    const auto content = noise(1000);
    memory->write(content);
    Payload payload({Txid{1}, {}, 1, content.size(), 7}, std::move(memory), "/proc/no-such-place/1.ltx");
    EXPECT_ANY_THROW(payload.persist());
    EXPECT_TRUE(payload.inMemory());
    EXPECT_EQ(readAll(*payload.open()), content);
}

TEST_F(PayloadTest, ASpoolFileThatIsNotWholeHasNoName) {
    {
        SpoolWriter writer(directory_ / "2.ltx");
        writer.write(noise(600'000));
    }
    EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

}  // namespace
}  // namespace litestream::engine
