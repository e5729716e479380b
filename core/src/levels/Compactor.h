#pragma once

#include "levels/Compaction.h"
#include "levels/MergedBody.h"

#include <litestream/Call.h>

#include <filesystem>

namespace litestream::levels {

/// A file that was made and read back.
struct Compacted {
    replica::FileInfo file;
    std::uint64_t fileChecksum = 0;
    std::vector<std::uint64_t> inputChecksums{};  ///< of the inputs, in their order
    std::optional<std::uint64_t> digest{};        ///< that it was compared with
};

/// Makes files of other files of the same replica. Calls block; one job at a time.
class Compactor {
public:
    /// Everything given outlives the compactor. `scratch`: see ltx::Encoder.
    Compactor(replica::ReplicaStore& store, const ltx::CodecSet& codecs, const Codec& codec, const FileAttributes& attributes,
              CancellationToken cancellation, std::filesystem::path scratch = {})
        : store_(store),
          codecs_(codecs),
          codec_(codec),
          attributes_(attributes),
          cancellation_(std::move(cancellation)),
          scratch_(std::move(scratch)) {}

    /// Merges `job.inputs`, at least one, into `job.output`: streamed, put only if absent where the transport can, and read back before it counts.
    /// Nothing is visible when it throws, unless the store took a file that it then neither gave back whole nor let be removed.
    /// Throws InputError (Corrupt, NotFound) when an input is damaged, gone or another file than `expected`, DigestError when the result is not the state
    /// that is expected, Error(Conflict) when another file has the name, and what the transport throws. What is damaged was read twice, for it may have
    /// been damaged on the way. `slowness` doublings are given to the time that it may take.
    Compacted run(const Job& job, const Expected& expected = {}, unsigned slowness = 0);

    /// Reads back a file that something is to rely on: whole where that is one request, else header, index and trailer; twice before it is damaged.
    /// Throws Error.
    void check(const replica::FileInfo& file);

private:
    Compacted merge(const Job& job, const Expected& expected, unsigned slowness);
    bool soundAfterAll(const Job& job, const Expected& expected, const replica::FileId& input);
    void checkOnce(const replica::FileInfo& file);
    bool isOurs(const Job& job, MergedBody& body, const CallContext& context);
    void readBack(const replica::FileInfo& file, const ltx::Header& header, const ltx::Encoder::Result& written, const CallContext& context);
    void discard(const replica::FileId& file, const CallContext& context);

    replica::ReplicaStore& store_;
    const ltx::CodecSet& codecs_;
    const Codec& codec_;
    const FileAttributes attributes_;
    const CancellationToken cancellation_;
    const std::filesystem::path scratch_;
};

}  // namespace litestream::levels
