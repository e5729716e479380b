#pragma once

#include "ltx/CodecSet.h"
#include "restore/Plan.h"

#include <filesystem>
#include <functional>

namespace litestream::restore {

enum class IntegrityCheck { None, Quick, Full };

struct Progress {
    std::uint64_t doneBytes = 0;   ///< fetched so far
    std::uint64_t totalBytes = 0;  ///< to fetch
};

struct Options {
    std::filesystem::path output;
    unsigned parallelism = 8;
    IntegrityCheck integrityCheck = IntegrityCheck::None;
    std::function<void(const Progress&)> progress;  ///< called on any thread, at most ten times a second; may be empty
    CancellationToken cancellation;
};

struct Result {
    Txid txid;
    Timestamp timestamp;
    std::uint32_t pageSize = 0;
    std::uint32_t commit = 0;
    std::uint64_t fetchedBytes = 0;
    std::chrono::milliseconds duration{0};
};

/// Rebuilds a database from planned files: page indexes first, each page fetched once in its newest version and written at its place
/// in `<output>.tmp`, verified, fsynced, renamed to `output`, directory fsynced. Nothing is left behind on failure, and an
/// existing `output` is untouched until the rename.
///
/// What is verified: every frame's length and decoding, index against frames, header ranges that join and agree with the names; the file checksum
/// of every file that is read whole (small ones, and those of which nearly all is needed); that every page from 1 to commit has an owner.
/// What does not pass is read once more, from the beginning: it may have been damaged on the way. Then it is Error(Corrupt).
///
/// A write-ahead log or journal beside a replaced `output` is removed just before the rename: it belongs to the old content. One beside an `output`
/// that does not exist is Error(Conflict).
Result restore(replica::ReplicaStore& store, const std::vector<replica::FileInfo>& plan, const ltx::CodecSet& codecs,
               const Options& options);

}  // namespace litestream::restore
