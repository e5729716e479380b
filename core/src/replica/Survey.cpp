#include "replica/Survey.h"

#include <algorithm>

namespace litestream::replica {

Survey survey(ReplicaStore& store, std::chrono::nanoseconds perRequest, const CancellationToken& cancellation) {
    Survey result;
    const FileInfo* newest = nullptr;
    const auto request = [&] { return CallContext::within(perRequest, cancellation); };
    result.files = store.listAll(perRequest, cancellation);
    for (const auto& file : result.files) {
        // Levels ascend: of files that end at the same TXID the one at the lowest level was written by the writer itself.
        if (newest == nullptr || file.id.range.max > newest->id.range.max) newest = &file;
    }
    if (newest == nullptr) return result;
    result.newest = newest->id.range.max;
    const ltx::Header header = store.readHeader(newest->id, request());
    // The header is exact where a listing is not; a listing tells of a writer that sends old states just now.
    result.newestTimestamp = std::max(newest->timestamp, header.timestamp);
    result.nodeId = header.nodeId;
    if (newest->id.level == kLevel0) result.levelZeroChecksum = store.readTrailer(*newest, request()).fileChecksum;
    return result;
}

}  // namespace litestream::replica
