#include "restore/PageClaims.h"

#include <bit>

namespace litestream::restore {

PageClaims::PageClaims(std::uint32_t commit, std::uint32_t pageSize)
    : commit_(commit), words_((std::uint64_t{commit} + 63) / 64, 0) {
    if (commit % 64 != 0) words_.back() = ~0ull << (commit % 64);  // nothing is missing behind the end
    claim(lockPage(pageSize));
}

bool PageClaims::claim(PageNumber page) noexcept {
    if (page == 0 || page > commit_) return false;
    std::uint64_t& word = words_[(page - 1) / 64];
    const std::uint64_t bit = 1ull << ((page - 1) % 64);
    if ((word & bit) != 0) return false;
    word |= bit;
    return true;
}

std::optional<PageNumber> PageClaims::firstMissing() const noexcept {
    for (std::size_t i = 0; i < words_.size(); ++i) {
        if (words_[i] == ~0ull) continue;
        return static_cast<PageNumber>(i * 64 + static_cast<std::size_t>(std::countr_one(words_[i])) + 1);
    }
    return std::nullopt;
}

}  // namespace litestream::restore
