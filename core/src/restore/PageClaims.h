#pragma once

#include <litestream/Types.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace litestream::restore {

/// Which pages of the database have their newest version already. Files claim from the newest to the oldest, so the first claim
/// is the newest version and one bit per page is all the memory that it takes. The lock page cannot be claimed.
class PageClaims {
public:
    PageClaims(std::uint32_t commit, std::uint32_t pageSize);

    /// True for the first claim of a page from 1 to commit.
    bool claim(PageNumber page) noexcept;

    /// The lowest page that nobody claimed.
    std::optional<PageNumber> firstMissing() const noexcept;

private:
    std::uint32_t commit_;
    std::vector<std::uint64_t> words_;  // bit n: page n + 1 is claimed
};

}  // namespace litestream::restore
