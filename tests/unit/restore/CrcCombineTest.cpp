#include "restore/CrcCombine.h"

#include "ltx/Format.h"

#include <random>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace litestream::restore::test {
namespace {

ConstBytes bytesOf(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(CrcCombine, JoinsTheCheckValueFromEverySplit) {
    const std::string_view text = "123456789";
    for (std::size_t at = 0; at <= text.size(); ++at) {
        const auto first = ltx::crc64(0, bytesOf(text.substr(0, at)));
        const auto second = ltx::crc64(0, bytesOf(text.substr(at)));
        EXPECT_EQ(combineCrc(first, second, text.size() - at), 0xB90956C775A41001) << "split at " << at;
    }
}

TEST(CrcCombine, JoinsRandomPartsOfRandomBytes) {
    const auto seed = std::random_device{}();
    std::mt19937_64 random(seed);
    std::vector<std::byte> bytes(3u << 20);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    const std::uint64_t whole = ltx::crc64(0, bytes);
    for (int round = 0; round < 20; ++round) {
        std::uint64_t joined = 0;
        for (ConstBytes rest = bytes; !rest.empty();) {
            const std::size_t size = std::min<std::size_t>(rest.size(), random() % (1u << (random() % 21)) + 1);
            joined = combineCrc(joined, ltx::crc64(0, rest.first(size)), size);
            rest = rest.subspan(size);
        }
        ASSERT_EQ(joined, whole) << "seed " << seed;
    }
}

TEST(CrcCombine, NoticesPartsInTheWrongOrder) {
    const auto a = ltx::crc64(0, bytesOf("1234"));
    const auto b = ltx::crc64(0, bytesOf("5678"));
    EXPECT_NE(combineCrc(a, b, 4), combineCrc(b, a, 4));
}

}  // namespace
}  // namespace litestream::restore::test
