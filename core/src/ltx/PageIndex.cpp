#include "ltx/Bytes.h"
#include "ltx/Format.h"

#include <litestream/Error.h>

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace litestream::ltx {

namespace {

constexpr std::uint64_t kSmallestFile = kHeaderSize + kPageHeaderSize + 1 + kFooterSize;

[[noreturn]] void refuse(const std::string& rule) {
    throw Error(ErrorCode::Corrupt, "LTX page index: " + rule);
}

std::vector<IndexEntry> decodeEntries(ConstBytes bytes, std::uint64_t framesEnd) {
    std::vector<IndexEntry> entries;
    IndexReader reader(framesEnd);
    for (;;) {
        const auto entry = reader.take(bytes);
        if (!entry) refuse("ends inside an entry");
        if (entry->page == 0) break;
        entries.push_back(*entry);
    }
    if (!bytes.empty()) refuse(fmt::format("{} bytes behind its last entry", bytes.size()));
    return entries;
}

}  // namespace

std::optional<IndexEntry> IndexReader::take(ConstBytes& bytes) {
    ConstBytes rest = bytes;
    const auto page = takeVarint(rest);
    if (!page) return std::nullopt;
    if (*page == 0) {
        if (offset_ != framesEnd_) refuse(fmt::format("frames end at byte {} instead of {}", offset_, framesEnd_));
        bytes = rest;
        return IndexEntry{};
    }
    const auto start = takeVarint(rest);
    const auto size = start ? takeVarint(rest) : std::nullopt;
    if (!size) return std::nullopt;
    if (*page <= last_ || *page > std::numeric_limits<PageNumber>::max()) {
        refuse(fmt::format("page {} follows page {}", *page, last_));
    }
    if (*start != offset_) refuse(fmt::format("page {} at byte {} instead of {}", *page, *start, offset_));
    if (*size <= kPageHeaderSize || *size > framesEnd_ - offset_) {
        refuse(fmt::format("page {} takes {} bytes of {}", *page, *size, framesEnd_ - offset_));
    }
    bytes = rest;
    last_ = static_cast<PageNumber>(*page);
    offset_ += *size;
    ++pageCount_;
    return IndexEntry{last_, *start, *size};
}

std::uint64_t indexSize(ConstBytes footer, std::uint64_t fileSize) {
    if (fileSize < kSmallestFile) refuse(fmt::format("a file of {} bytes has none", fileSize));
    const auto size = load<std::uint64_t>(footer.data());
    // Tested before it is used: the number comes from outside and callers fetch what it says.
    if (size == 0 || size > fileSize - (kSmallestFile - 1)) refuse(fmt::format("{} bytes in a file of {}", size, fileSize));
    return size;
}

std::optional<std::vector<IndexEntry>> decodeIndex(ConstBytes tail, std::uint64_t fileSize, std::uint64_t& needed) {
    if (fileSize < kSmallestFile) refuse(fmt::format("a file of {} bytes has none", fileSize));
    if (tail.size() > fileSize) throw Error(ErrorCode::InvalidArgument, "LTX page index: tail is longer than its file");
    needed = kFooterSize;
    if (tail.size() < needed) return std::nullopt;
    const std::uint64_t size = indexSize(tail.last(kFooterSize), fileSize);
    needed = size + kFooterSize;
    if (tail.size() < needed) return std::nullopt;
    return decodeEntries(tail.subspan(tail.size() - needed, size), fileSize - needed - kPageHeaderSize);
}

}  // namespace litestream::ltx
