#pragma once

#include <litestream/Transport.h>

#include <mutex>
#include <set>
#include <string>

namespace litestream::file {

/// Makes the directories below one root, durably, and remembers which ones are. Thread-safe.
class Directories {
public:
    explicit Directories(std::string root) : root_(std::move(root)) {}

    /// When it returns, `base` (a key's directory, "" or ending with '/') exists and so do, durably, all names on its way. The first time it also
    /// clears away what killed processes left unfinished in it.
    void prepare(const std::string& base, const FileAttributes& attributes);
    /// Somebody removed it.
    void forget(const std::string& base);

private:
    const std::string root_;
    std::mutex mutex_;  ///< guards durable_, and makes others wait until a directory that somebody makes is durable
    std::set<std::string> durable_;
};

}  // namespace litestream::file
