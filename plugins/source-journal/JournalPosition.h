#pragma once

#include "DatabaseFile.h"

#include <litestream/Source.h>

#include <cstdint>
#include <optional>
#include <string>

namespace litestream::journal {

/// A committed state of a database in rollback mode.
///
/// Equal positions mean equal content: every commit moves the change counter, and whatever else writes to the file, a restored
/// copy for example, moves the inode's change time, which nobody can set.
struct JournalPosition {
    FileStamp stamp;
    std::uint32_t pageSize = 0;  ///< bytes
    FileIdentity file;

    bool operator==(const JournalPosition&) const = default;

    /// As opaque bytes for core, and back. decode() refuses what encode() did not write, such as a position of another source.
    Position encode() const;
    static std::optional<JournalPosition> decode(const Position& position);

    /// "change counter 812, 40 pages of 4096 bytes"
    std::string describe() const;
};

}  // namespace litestream::journal
