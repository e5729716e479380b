#include "replica/Survey.h"

#include <algorithm>
#include <cstddef>

namespace litestream::replica {

namespace {

/// Files that may be damaged before a replica cannot be judged.
constexpr std::size_t kMostDamaged = 16;

/// The newest first; of files that end at the same TXID the one at the lowest level, which the writer itself wrote.
std::vector<FileInfo> newestOf(std::vector<FileInfo> files) {
    const auto newer = [](const FileInfo& a, const FileInfo& b) {
        return a.id.range.max != b.id.range.max ? a.id.range.max > b.id.range.max : a.id.level < b.id.level;
    };
    const auto end = files.begin() + static_cast<std::ptrdiff_t>(std::min(files.size(), kMostDamaged));
    std::partial_sort(files.begin(), end, files.end(), newer);
    files.erase(end, files.end());
    return files;
}

}  // namespace

Survey survey(ReplicaStore& store, std::chrono::nanoseconds perRequest, const CancellationToken& cancellation) {
    Survey result;
    const auto request = [&] { return CallContext::within(perRequest, cancellation); };
    result.files = store.listAll(perRequest, cancellation);
    std::optional<Error> damaged;
    for (const FileInfo& file : newestOf(result.files)) {
        if (!result.newest) result.newest = file.id.range.max;
        if (damaged && file.id.level != kLevel0 && file.id.level != kSnapshotLevel) continue;  // merges have no lineage
        try {
            const ltx::Header header = store.readHeader(file.id, request());
            // The header is exact where a listing is not; a listing tells of a writer that sends old states just now.
            result.newestTimestamp = std::max(file.timestamp, header.timestamp);
            result.nodeId = header.nodeId;
            // Without its end a file tells nothing about its content; it has to be mended, and that is another matter.
            if (!damaged && file.id.level == kLevel0) result.levelZeroChecksum = store.readTail(file, request()).trailer.fileChecksum;
            return result;
        } catch (const Error& error) {
            if (error.code() != ErrorCode::Corrupt && error.code() != ErrorCode::NotFound) throw;
            damaged = error;
            if (result.nodeId != 0) return result;
        }
    }
    if (damaged) throw *damaged;
    return result;
}

}  // namespace litestream::replica
