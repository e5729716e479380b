#pragma once

#include "ltx/CodecSet.h"
#include "replica/ReplicaStore.h"

#include <litestream/Call.h>
#include <litestream/Error.h>

#include <cstdint>
#include <optional>

namespace litestream::levels {

/// For requests that move `bytes` in all: a stalled store must not hold a thread for ever, a slow one must be able to finish. `slowness` doublings are added.
CallContext transferContext(std::uint64_t bytes, const CancellationToken& cancellation, unsigned slowness = 0);

/// A file is damaged, another one, or not there: reading it again another day would not help.
bool isLost(const Error& error) noexcept;

/// Throws Error(Corrupt) unless a file's header is of the range in its name.
void checkName(const ltx::Header& header, const replica::FileId& file);

/// Calls `read` once more when it finds damage, for that may have happened on the way; returns what it returns.
template <class Read>
auto readTwice(Read read) {
    try {
        return read();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::Corrupt) throw;
    }
    return read();
}

/// What reading a whole file told.
struct WholeFile {
    std::uint64_t fileChecksum = 0;
    std::uint64_t nodeId = 0;
};

/// Reads a file to its end and checks all of it, its name and, where it is known, its file checksum. Throws Error(Corrupt), and what the transport throws,
/// naming the file.
WholeFile readWhole(replica::ReplicaStore& store, const replica::FileInfo& file, const ltx::CodecSet& codecs, std::optional<std::uint64_t> expected,
                    const CallContext& context);

}  // namespace litestream::levels
