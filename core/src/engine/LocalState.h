#pragma once

#include "levels/Inventory.h"

#include <litestream/Transport.h>
#include <litestream/Types.h>

#include <filesystem>
#include <optional>
#include <string_view>
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
    /// What one replica holds, named after its place.
    std::filesystem::path inventory(std::string_view transport, const Transport& store) const;

    /// The default place for `database`.
    static MetaPaths beside(const std::filesystem::path& database);
};

/// What is known without the network and without the daemon.
struct LocalStatus {
    bool exists = false;  ///< there is a position journal
    Txid txid;            ///< newest TXID that was cut
};
LocalStatus readLocalStatus(const std::filesystem::path& metaDirectory);

/// The same of one replica: what was written down when it was reached last.
struct LocalReplicaStatus {
    bool known = false;  ///< something was written down
    levels::Inventory held;
    Txid txid;                         ///< newest TXID that it holds
    std::uint64_t behind = 0;          ///< TXIDs that were cut and that it lacks
    std::optional<Timestamp> lacking;  ///< when the oldest of them was cut; nothing = it lacks none, or nobody knows any more
};
LocalReplicaStatus readLocalReplica(const std::filesystem::path& metaDirectory, const std::filesystem::path& inventoryFile, Timestamp now);

/// Every file that `reset` has to remove, existing ones only.
std::vector<std::filesystem::path> localStateFiles(const std::filesystem::path& metaDirectory);

/// Makes a directory, and those above it, unless it exists. Throws Error.
void makeDirectory(const std::filesystem::path& directory);

}  // namespace litestream::engine
