#pragma once

#include "ltx/Format.h"

#include <litestream/Transport.h>

#include <optional>
#include <string>
#include <string_view>

namespace litestream::replica {

/// 0 = one file per cut, 1..8 = compacted, 9 = snapshots.
struct Level {
    std::uint32_t value = 0;
    auto operator<=>(const Level&) const = default;
};
inline constexpr Level kLevel0{0};
inline constexpr Level kSnapshotLevel{9};

/// A file of a replica as its name tells.
struct FileId {
    Level level;
    ltx::TxidRange range;
    auto operator<=>(const FileId&) const = default;
};

/// Turns files into keys and keys into files, by the transport's family.
class Layout {
public:
    explicit Layout(LayoutFamily family) noexcept : family_(family) {}

    std::string key(const FileId& file) const;
    /// "ltx/0/" or "0000/"
    std::string prefix(Level level) const;
    /// What the keys of all levels begin with: "ltx/" or "000". Other keys may begin with it too.
    std::string_view prefix() const noexcept;
    /// Nothing for a key that is no LTX file of `level`.
    std::optional<FileId> parse(Level level, std::string_view key) const;
    /// Nothing for a key that is no LTX file of any level.
    std::optional<FileId> parse(std::string_view key) const;

private:
    LayoutFamily family_;
};

}  // namespace litestream::replica
