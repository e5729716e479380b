#pragma once

#include "ltx/CodecSet.h"
#include "restore/FetchPlan.h"

#include <litestream/Types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace litestream::restore {

/// A CRC-64 and how many bytes it covers.
struct PartialCrc {
    std::uint64_t crc = 0;
    std::uint64_t bytes = 0;
};

/// Unpacks page frames and writes the pages at their places in the database file, neighbours in one call. One per worker: its
/// buffers serve for the whole restore.
class PageWriter {
public:
    /// `descriptor` and `codecs` outlive the writer; `name` is for messages.
    PageWriter(int descriptor, std::string name, std::uint32_t pageSize, const ltx::CodecSet& codecs);

    /// Unpacks the owned ones of `frames`, which `bytes` holds back to back, and writes their pages.
    void write(std::span<const Frame> frames, ConstBytes bytes);
    /// The same, but unpacks all of them and returns what they add to their file's checksum.
    PartialCrc writeAndSum(std::span<const Frame> frames, ConstBytes bytes);

private:
    MutableBytes place(PageNumber page);
    void flush();
    void sum(PartialCrc& crc, ConstBytes frame, ConstBytes content) const;

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
