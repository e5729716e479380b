#include "PageSums.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <random>

namespace litestream::journal {
namespace {

std::uint64_t randomSeed() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

}  // namespace

PageSums::PageSums() : seed_(randomSeed()) {}

std::uint64_t PageSums::of(ConstBytes page) const noexcept { return XXH3_64bits_withSeed(page.data(), page.size(), seed_); }

void PageSums::set(PageNumber number, std::uint64_t sum) {
    if (number > sums_.size()) sums_.resize(number);
    sums_[number - 1] = sum;
}

void PageSums::trim(std::uint32_t pages) {
    if (sums_.size() > pages) sums_.resize(pages);
}

}  // namespace litestream::journal
