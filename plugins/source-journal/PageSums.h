#pragma once

#include <litestream/Types.h>

#include <cstdint>
#include <vector>

namespace litestream::journal {

/// A checksum of every page, 8 bytes for each, of the content that was last handed over.
///
/// XXH3 with a seed of this object's own, so that nobody can make two contents of a page that it takes for the same.
class PageSums {
public:
    PageSums();

    std::uint64_t of(ConstBytes page) const noexcept;

    bool knows(PageNumber number, std::uint64_t sum) const noexcept {
        return number <= sums_.size() && sums_[number - 1] == sum && sum != 0;
    }
    void set(PageNumber number, std::uint64_t sum);

    /// Forgets the pages behind the first `pages`.
    void trim(std::uint32_t pages);
    void clear() noexcept { sums_ = {}; }

private:
    const std::uint64_t seed_;
    std::vector<std::uint64_t> sums_;  ///< 0 = not known
};

}  // namespace litestream::journal
