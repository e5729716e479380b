#pragma once

#include "ltx/CodecSet.h"
#include "ltx/Format.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace litestream::ltx {

/// Where a file's bytes come from: fills `into` as far as the file goes and returns how many bytes came; 0 at the end.
using ByteSource = std::function<std::size_t(MutableBytes into)>;

/// Reads one LTX file from front to back with bounded memory (a window plus the index) and checks every rule of the format: order,
/// completeness, index against frames, checksums, nothing behind the trailer. Throws Error(Corrupt), naming the rule.
class Decoder {
public:
    enum class Strictness {
        Restore,  ///< accepts what upstream's restore accepts without harm: wrong index entries, pages beyond commit, reserved bytes
        Verify,   ///< reports those too
    };

    Decoder(ByteSource source, const CodecSet& codecs, Strictness strictness = Strictness::Restore);

    const Header& header() const noexcept { return header_; }

    /// The next page. Returns its number and fills `content` (page size bytes); 0 behind the last page: then index and trailer
    /// have been read and checked, and trailer() is valid.
    PageNumber next(MutableBytes content);

    const Trailer& trailer() const noexcept { return trailer_; }

private:
    void fill(std::size_t wanted);
    void finish();

    ByteSource source_;
    const CodecSet& codecs_;
    Strictness strictness_;
    Header header_;
    Trailer trailer_;
    std::vector<std::byte> window_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::uint64_t offset_ = 0;
    std::uint64_t crc_ = 0;
    std::uint64_t databaseChecksum_ = 0;
    std::vector<IndexEntry> index_;
    PageNumber last_ = 0;
    bool finished_ = false;
};

/// Unpacks one whole page frame (as an IndexEntry delimits it) that was read alone. Throws Error(Corrupt) if it is not the frame of `page`.
void decodeFrame(ConstBytes frame, PageNumber page, const CodecSet& codecs, MutableBytes content);

/// Reads a whole file with Strictness::Verify and throws away the pages.
Trailer verify(ByteSource source, const CodecSet& codecs);

}  // namespace litestream::ltx
