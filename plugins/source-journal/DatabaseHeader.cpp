#include "DatabaseHeader.h"

#include <cstring>

namespace litestream::journal {
namespace {

constexpr char kMagic[] = "SQLite format 3";  // its terminating zero is part of it

std::uint32_t bigEndian(ConstBytes bytes, std::size_t offset, std::size_t size) noexcept {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | std::to_integer<std::uint32_t>(bytes[offset + i]);
    return value;
}

}  // namespace

std::optional<DatabaseHeader> DatabaseHeader::parse(ConstBytes bytes) noexcept {
    if (bytes.size() < kBytes || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) return std::nullopt;
    DatabaseHeader header;
    const std::uint32_t stored = bigEndian(bytes, 16, 2);
    header.pageSize = stored == 1 ? 65536 : stored;
    if (!isPageSize(header.pageSize)) return std::nullopt;
    header.wal = bigEndian(bytes, 18, 1) == 2 || bigEndian(bytes, 19, 1) == 2;
    header.changeCounter = bigEndian(bytes, 24, 4);
    // Writers that do not know the page count leave another change counter beside it.
    if (bigEndian(bytes, 92, 4) == header.changeCounter) header.pages = bigEndian(bytes, 28, 4);
    return header;
}

}  // namespace litestream::journal
