#pragma once

#include "ltx/CodecSet.h"
#include "ltx/Format.h"
#include "ltx/PageOrder.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace litestream::ltx {

/// Where a file's bytes come from: fills `into` as far as the file goes and returns how many bytes came; 0 at the end.
using ByteSource = std::function<std::size_t(MutableBytes into)>;

/// Reads one LTX file from front to back with bounded memory (a window) and checks every rule of the format: order,
/// completeness, index against frames, checksums, nothing behind the trailer. Throws Error(Corrupt), naming the rule, and
/// Error(Unsupported) for pages that no codec at hand reads; after either the decoder is of no further use.
class Decoder {
public:
    enum class Strictness {
        Restore,  ///< accepts what upstream's restore accepts without harm: a wrong index, pages beyond commit, reserved bytes
        Verify,   ///< reports those too
    };

    Decoder(ByteSource source, const CodecSet& codecs, Strictness strictness = Strictness::Restore);

    const Header& header() const noexcept { return header_; }

    /// The next page. Returns its number and fills `content` (page size bytes); 0 behind the last page: then index and trailer
    /// have been read and checked, and trailer() is valid. With Strictness::Restore a number may lie beyond header().commit;
    /// such a page counts only if a later file of the same restore has grown the database that far.
    PageNumber next(MutableBytes content);

    /// The page that next() returned as it stands in the file, for passing it on without packing it again.
    /// Valid until the next call of next().
    struct Packed {
        std::uint16_t flags = 0;
        ConstBytes bytes;
    };
    const Packed& packed() const noexcept { return packed_; }

    const Trailer& trailer() const noexcept { return trailer_; }

private:
    Header readHeader();
    /// Reads on until the window holds `wanted` unread bytes or the file ends; returns the unread bytes.
    ConstBytes fill(std::size_t wanted);
    /// fill(), for bytes that have to be there; returns exactly those.
    ConstBytes require(std::size_t size, const char* what);
    /// Moves on behind `size` bytes of the window, which the checksum covers.
    void consume(std::size_t size);
    void expectEntry(PageNumber page, std::uint64_t size);
    void finish();
    bool readIndex();
    void checkPostApply() const;

    ByteSource source_;
    const CodecSet* codecs_;
    Strictness strictness_;
    std::size_t windowSize_;
    std::unique_ptr<std::byte[]> window_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool sourceEnded_ = false;
    std::uint64_t offset_ = 0;  ///< in the file, of the first unread byte
    std::uint64_t crc_ = 0;
    std::uint64_t databaseChecksum_ = kChecksumFlag;
    Header header_;  ///< read through all of the above
    PageOrder order_;
    // Verify only: the page index that the frames ask for. Its checksum is enough to tell whether it is the one that stands there.
    std::vector<std::byte> entry_;
    std::uint64_t indexCrc_ = 0;
    std::uint64_t indexSize_ = 0;
    Packed packed_;
    Trailer trailer_;
    bool finished_ = false;
};

/// Unpacks one whole page frame (as an IndexEntry delimits it) that was read alone. Throws Error(Corrupt) if it is not the frame of `page`.
void decodeFrame(ConstBytes frame, PageNumber page, const CodecSet& codecs, MutableBytes content);

/// Reads a whole file with Strictness::Verify and throws away the pages.
Trailer verify(ByteSource source, const CodecSet& codecs);

}  // namespace litestream::ltx
