#pragma once

#include "engine/Batch.h"
#include "engine/Payload.h"
#include "engine/SumsKeeper.h"
#include "ltx/Decoder.h"
#include "ltx/Format.h"
#include <boost/asio/thread_pool.hpp>

#include <filesystem>
#include <memory>

namespace litestream::engine {

/// Encodes a batch as one level-0 file. Small ones stay in memory; large ones, and all of them when `toSpool`, go into `spoolFile`.
/// Collects the page sums on the way.
std::shared_ptr<Payload> encodeBatch(const Batch& batch, const ltx::Header& header, const Codec& codec, ChunkPool& pool,
                                     const std::filesystem::path& spoolFile, bool toSpool);

struct Differences {
    std::uint32_t pages = 0;
    std::uint64_t digest = 0;  ///< of the image
    std::uint32_t oursAlone = 0;  ///< pages of which `sums` are wrong and `other` are right
};
/// Puts into `batch` the pages of `image` whose checksum differs from the file's entries, or from those of `other`.
Differences collectDifferences(Image& image, const PageSums& sums, Batch& batch, const PageSums* other = nullptr);
/// The digest of an image, which is read whole. Throws Error(Cancelled).
std::uint64_t digestOf(Image& image, const CancellationToken& cancellation);

/// Encodes the whole image as one level-0 file in the spool, and writes the page sums on the way unless `sums` is null.
std::shared_ptr<Payload> encodeImage(Image& image, const ltx::Header& header, const Codec& codec,
                                     boost::asio::thread_pool& helpers, const std::filesystem::path& spoolFile,
                                     SumsBuild* sums);

/// The bytes of a body, for a Decoder.
ltx::ByteSource readBody(std::shared_ptr<Body> body);

/// Brings the page sums from `from` to the TXID of a level-0 file, by reading that file; returns that TXID.
Txid applyFile(ltx::ByteSource file, const ltx::CodecSet& codecs, Txid from, PageSums& sums);

}  // namespace litestream::engine
