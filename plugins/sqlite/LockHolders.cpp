#include "LockHolders.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

namespace litestream::sqlite {
namespace {

struct HeldRange {
    long pid = 0;
    std::uint64_t inode = 0;
    std::int64_t first = 0;
    std::int64_t last = 0;
};

/// A line of a lock that is held. One that is only waited for has "->" where the family stands.
/// Source: proc(5), "/proc/locks":  1: POSIX  ADVISORY  READ 1234 08:01:5678 123 123
bool parse(const std::string& line, HeldRange& lock) {
    std::istringstream words(line);
    std::string number, family, kind, access, file, end;
    if (!(words >> number >> family >> kind >> access >> lock.pid >> file >> lock.first >> end)) return false;
    if (family != "POSIX" && family != "OFDLCK") return false;
    lock.inode = std::strtoull(file.c_str() + file.rfind(':') + 1, nullptr, 10);
    lock.last = end == "EOF" ? std::numeric_limits<std::int64_t>::max() : std::strtoll(end.c_str(), nullptr, 10);
    return true;
}

}  // namespace

std::string describe(const LockHolder& holder) {
    if (holder.pid <= 0) return "a process that cannot be named";
    return "process " + std::to_string(holder.pid) + (holder.name.empty() ? "" : " (" + holder.name + ")");
}

std::vector<LockHolder> foreignHolders(std::istream& locks, std::uint64_t inode, std::int64_t offset, long self) {
    std::vector<LockHolder> holders;
    std::string line;
    HeldRange lock;
    while (std::getline(locks, line)) {
        if (!parse(line, lock) || lock.pid == self || lock.inode != inode) continue;
        if (offset < lock.first || offset > lock.last) continue;
        const LockHolder holder{lock.pid, {}};
        if (std::find(holders.begin(), holders.end(), holder) == holders.end()) holders.push_back(holder);
    }
    return holders;
}

std::vector<LockHolder> foreignHolders(std::uint64_t inode, std::int64_t offset) {
    std::ifstream locks("/proc/locks");
    auto holders = foreignHolders(locks, inode, offset, ::getpid());
    for (auto& holder : holders) {
        std::ifstream name("/proc/" + std::to_string(holder.pid) + "/comm");
        std::getline(name, holder.name);
    }
    return holders;
}

}  // namespace litestream::sqlite
