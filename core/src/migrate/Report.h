#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace litestream::migrate {

/// An object and what is wrong with it.
struct Complaint {
    std::string key;
    std::string reason;
};

/// What became of one replica.
struct Report {
    std::uint64_t copied = 0;
    std::uint64_t copiedBytes = 0;
    std::uint64_t skipped = 0;  ///< were at the destination already, and are the same there
    std::uint64_t verified = 0;  ///< read back whole from the destination
    std::uint64_t deleted = 0;
    std::uint64_t unknown = 0;  ///< objects at the source that no replica has: not copied
    std::vector<Complaint> refused;  ///< damaged at the source, or another object under the same name at the destination
    std::vector<Complaint> failed;   ///< not right at the destination, or not deleted there

    bool clean() const noexcept { return refused.empty() && failed.empty(); }
};

/// How far a pass has come.
struct Progress {
    std::uint64_t objects = 0;
    std::uint64_t totalObjects = 0;
    std::uint64_t bytes = 0;
    std::uint64_t totalBytes = 0;
};

}  // namespace litestream::migrate
