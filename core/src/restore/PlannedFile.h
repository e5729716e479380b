#pragma once

#include "replica/ReplicaStore.h"
#include "restore/Buffer.h"
#include "restore/FetchPlan.h"
#include "restore/PageWriter.h"

#include <string>
#include <vector>

namespace litestream::restore {

/// One file of a plan: what was read of it and what is to be done with it.
struct PlannedFile {
    std::string key;
    ltx::Header header;
    std::uint64_t headerCrc = 0;
    replica::Tail tail;  ///< its index is let go when the pages are claimed
    std::vector<Frame> frames;
    FetchPlan fetches;
    std::vector<PartialSum> sums;  ///< of the fetches, in their order, when the file is read whole
    ConstBytes small;              ///< all bytes of a small file, in the buffer it was read into
};

/// Files up to this size are fetched with one request and never held longer than it takes to write their pages: a
/// replica has hundreds of them.
inline constexpr std::uint64_t kSmallFile = 256u << 10;

/// Reads header and tail, or all of a small file. Throws Error naming the file, Corrupt when the header does not say what the name says.
PlannedFile openPlanned(replica::ReplicaStore& store, const replica::FileInfo& info, Buffer& buffer, const CallContext& context);

/// True when the file keeps checksums of the database. Upstream's daemon writes none.
bool keepsDatabaseChecksums(const PlannedFile& file) noexcept;
/// Compares the checksums of a file that was read whole. Throws Error(Corrupt).
void verifyChecksums(const PlannedFile& file);

/// A plan begins with a file from TXID 1. Throws Error(Corrupt).
void checkFirst(const PlannedFile& file);
/// There is something to restore. Throws Error(Corrupt).
void checkLast(const PlannedFile& file);
/// `newer` must go on where `older` ends, or before, and end behind it. Throws Error(Corrupt).
void checkJoin(const PlannedFile& older, const PlannedFile& newer);

/// The same error with the key before it, unless it names it already.
Error naming(const std::string& key, const Error& error);

}  // namespace litestream::restore
