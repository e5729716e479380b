#pragma once

#include "ltx/CodecSet.h"
#include "restore/FetchPlan.h"

#include <litestream/Types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace litestream::restore {

/// What a run of frames adds to the checksums of its file.
struct PartialSum {
    std::uint64_t crc = 0;    ///< CRC-64 of the run
    std::uint64_t bytes = 0;  ///< that it covers
    std::uint64_t pages = 0;  ///< LTX's page checksums, XORed
};

/// Whether the page checksums are wanted: they cost a second pass, and few files keep any.
enum class PageSums { Skip, Compute };

/// Unpacks page frames and writes the pages at their places in the database file, neighbours in one call. One per worker: its
/// buffers serve for the whole restore.
class PageWriter {
public:
    /// `descriptor` and `codecs` outlive the writer; `name` is for messages.
    PageWriter(int descriptor, std::string name, std::uint32_t pageSize, const ltx::CodecSet& codecs);

    /// Unpacks the owned ones of `frames`, which `bytes` holds back to back, and writes their pages.
    void write(std::span<const Frame> frames, ConstBytes bytes);
    /// The same, but unpacks all of them and returns what they add to their file's checksums.
    PartialSum writeAndSum(std::span<const Frame> frames, ConstBytes bytes, PageSums pageSums);

private:
    MutableBytes place(PageNumber page);
    void flush();
    void addCrc(PartialSum& sum, ConstBytes frame, ConstBytes content) const;

    int descriptor_;
    std::string name_;
    std::uint32_t pageSize_;
    const ltx::CodecSet& codecs_;
    std::vector<std::byte> run_;      // pages that are neighbours in the database
    std::vector<std::byte> scratch_;  // a page that is unpacked for its checksum only
    PageNumber first_ = 0;
    std::uint32_t count_ = 0;
};

}  // namespace litestream::restore
