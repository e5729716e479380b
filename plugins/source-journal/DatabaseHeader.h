#pragma once

#include <litestream/Types.h>

#include <cstdint>
#include <optional>

namespace litestream::journal {

/// What the first 100 bytes of a database say about its state.
/// Source: https://sqlite.org/fileformat2.html, "The Database Header".
struct DatabaseHeader {
    static constexpr std::size_t kBytes = 100;

    std::uint32_t pageSize = 0;  ///< bytes
    std::uint32_t changeCounter = 0;
    std::uint32_t pages = 0;  ///< as stored; 0 = the writer did not know it, the file's size tells
    bool wal = false;         ///< written or to be read through a WAL

    /// Nothing if these bytes do not begin a database that can be read without a key.
    static std::optional<DatabaseHeader> parse(ConstBytes bytes) noexcept;
};

}  // namespace litestream::journal
