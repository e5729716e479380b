#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace litestream::sqlite {

/// A process that holds a lock.
struct LockHolder {
    long pid = 0;      ///< 0 or less = the kernel does not tell: a process of another container, or a lock that belongs to no process
    std::string name;  ///< of its program; empty if it cannot be read

    bool operator==(const LockHolder&) const = default;
};

/// "process 4711 (backup)", or "a process that cannot be named".
std::string describe(const LockHolder& holder);

/// Who else than process `self` holds a lock on byte `offset` of a file, each process once, without program names. `locks` is a /proc/locks. Files are
/// told apart by inode alone: there the device of a file on overlayfs or btrfs is another one than stat() tells.
std::vector<LockHolder> foreignHolders(std::istream& locks, std::uint64_t inode, std::int64_t offset, long self);

/// The same for this process and now, with program names. Its cost grows with the locks of the whole machine: for the rare case in which somebody has to be
/// named. Empty where the kernel keeps no such account.
std::vector<LockHolder> foreignHolders(std::uint64_t inode, std::int64_t offset);

}  // namespace litestream::sqlite
