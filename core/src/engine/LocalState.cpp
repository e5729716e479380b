#include "engine/LocalState.h"

#include "engine/PositionJournal.h"
#include "levels/Ledger.h"

#include <litestream/Error.h>

namespace litestream::engine {

MetaPaths MetaPaths::beside(const std::filesystem::path& database) {
    return {database.parent_path() / std::string(".").append(database.filename().string()).append("-litestream")};
}

std::filesystem::path MetaPaths::inventory(std::string_view transport, const Transport& store) const {
    return directory / levels::inventoryFileName(transport, store.describe());
}

LocalStatus readLocalStatus(const std::filesystem::path& metaDirectory) {
    const auto contents = PositionJournal(MetaPaths{metaDirectory}.journal()).load();
    if (contents.lineage == 0) return {};
    return {true, contents.records.empty() ? Txid{} : contents.records.back().txid};
}

LocalReplicaStatus readLocalReplica(const std::filesystem::path& metaDirectory, const std::filesystem::path& inventoryFile, Timestamp now) {
    LocalReplicaStatus status;
    const auto contents = levels::InventoryFile(inventoryFile).load();
    status.known = contents.exists;
    if (!status.known) return status;
    status.held = levels::inventoryOf(contents, now, levels::Clock::now());
    status.txid = status.held.newest();
    const auto journal = PositionJournal(MetaPaths{metaDirectory}.journal()).load();
    if (journal.records.empty() || journal.records.back().txid <= status.txid) return status;
    status.behind = journal.records.back().txid.value - status.txid.value;
    for (const auto& record : journal.records) {
        if (record.txid <= status.txid) continue;
        status.lacking = record.timestamp;
        break;
    }
    return status;
}

std::vector<std::filesystem::path> localStateFiles(const std::filesystem::path& metaDirectory) {
    const MetaPaths paths{metaDirectory};
    std::vector<std::filesystem::path> files;
    for (const auto& file : {paths.journal(), paths.pageSums(), paths.replicaSums()}) {
        if (std::filesystem::exists(file)) files.push_back(file);
    }
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(metaDirectory, error)) {
        if (levels::isInventoryFileName(entry.path().filename().string())) files.push_back(entry.path());
    }
    if (std::filesystem::is_directory(paths.spool())) {
        for (const auto& entry : std::filesystem::directory_iterator(paths.spool())) files.push_back(entry.path());
    }
    return files;
}

void makeDirectory(const std::filesystem::path& directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) throw systemError("create directory " + directory.string(), error.value());
}

}  // namespace litestream::engine
