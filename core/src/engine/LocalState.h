#pragma once

#include <litestream/Types.h>

#include <filesystem>
#include <optional>
#include <vector>

namespace litestream::engine {

/// The names inside a database's metadata directory (".<name>-litestream" beside the database unless configured).
/// Upstream's `ltx` directory may stand beside ours; we neither read nor change it.
struct MetaPaths {
    std::filesystem::path directory;
    std::filesystem::path lock() const { return directory / "lock"; }
    std::filesystem::path journal() const { return directory / "position"; }
    std::filesystem::path pageSums() const { return directory / "pagesums"; }
    std::filesystem::path replicaSums() const { return directory / "replicasums"; }
    std::filesystem::path spool() const { return directory / "spool"; }

    /// The default place for `database`.
    static MetaPaths beside(const std::filesystem::path& database);
};

/// What is known without the network and without the daemon.
struct LocalStatus {
    bool exists = false;  ///< there is a position journal
    Txid txid;            ///< newest TXID that was cut
};
LocalStatus readLocalStatus(const std::filesystem::path& metaDirectory);

/// Every file that `reset` has to remove, existing ones only.
std::vector<std::filesystem::path> localStateFiles(const std::filesystem::path& metaDirectory);

/// Makes a directory, and those above it, unless it exists. Throws Error.
void makeDirectory(const std::filesystem::path& directory);

/// A small file whole; nothing when it does not exist. Throws Error when it cannot be read.
std::optional<std::vector<std::byte>> readFileIfExists(const std::filesystem::path& file);

}  // namespace litestream::engine
