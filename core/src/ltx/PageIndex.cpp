#include "ltx/Bytes.h"
#include "ltx/Format.h"

#include <litestream/Error.h>

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace litestream::ltx {

namespace {

// What stands behind the index entries and their closing zero: the index size and the trailer.
constexpr std::uint64_t kFooterSize = sizeof(std::uint64_t) + kTrailerSize;
constexpr std::uint64_t kSmallestFile = kHeaderSize + kPageHeaderSize + 1 + kFooterSize;

[[noreturn]] void refuse(const std::string& rule) {
    throw Error(ErrorCode::Corrupt, "LTX page index: " + rule);
}

std::vector<IndexEntry> decodeEntries(ConstBytes bytes, std::uint64_t pagesEnd) {
    std::vector<IndexEntry> entries;
    std::uint64_t offset = kHeaderSize;
    PageNumber last = 0;
    while (true) {
        const auto page = takeVarint(bytes);
        if (!page) refuse("ends inside an entry");
        if (*page == 0) break;
        const auto start = takeVarint(bytes);
        const auto size = takeVarint(bytes);
        if (!start || !size) refuse("ends inside an entry");
        if (*page <= last || *page > std::numeric_limits<PageNumber>::max()) {
            refuse(fmt::format("page {} follows page {}", *page, last));
        }
        if (*start != offset) refuse(fmt::format("page {} at byte {} instead of {}", *page, *start, offset));
        if (*size <= kPageHeaderSize || *size > pagesEnd - offset) {
            refuse(fmt::format("page {} takes {} bytes of {}", *page, *size, pagesEnd - offset));
        }
        last = static_cast<PageNumber>(*page);
        entries.push_back({last, offset, *size});
        offset += *size;
    }
    if (!bytes.empty()) refuse(fmt::format("{} bytes behind its last entry", bytes.size()));
    if (offset != pagesEnd) refuse(fmt::format("frames end at byte {} instead of {}", offset, pagesEnd));
    return entries;
}

}  // namespace

std::optional<std::vector<IndexEntry>> decodeIndex(ConstBytes tail, std::uint64_t fileSize, std::uint64_t& needed) {
    if (fileSize < kSmallestFile) refuse(fmt::format("a file of {} bytes has none", fileSize));
    if (tail.size() > fileSize) throw Error(ErrorCode::InvalidArgument, "LTX page index: tail is longer than its file");
    needed = kFooterSize;
    if (tail.size() < needed) return std::nullopt;
    const auto size = load<std::uint64_t>(tail.data() + tail.size() - kFooterSize);
    // Tested before it is used: the number comes from outside and callers fetch what `needed` says.
    if (size == 0 || size > fileSize - (kSmallestFile - 1))
        refuse(fmt::format("{} bytes in a file of {}", size, fileSize));
    needed = size + kFooterSize;
    if (tail.size() < needed) return std::nullopt;
    return decodeEntries(tail.subspan(tail.size() - needed, size), fileSize - needed - kPageHeaderSize);
}

}  // namespace litestream::ltx
