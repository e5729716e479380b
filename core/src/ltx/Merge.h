#pragma once

#include "ltx/Decoder.h"
#include "ltx/Encoder.h"
#include "ltx/PageOrder.h"

#include <functional>
#include <optional>
#include <queue>
#include <vector>

namespace litestream::ltx {

/// Merges consecutive files, given in TXID order, into one, page by page: every page in its newest version, none beyond the last commit. Inputs may
/// overlap; a gap, a file that brings nothing new or another page size is Error(InvalidArgument). Streams: holds one page per input.
/// Used by one thread at a time. All references outlive the merger.
class Merger {
public:
    /// Told of each page that is written, with its page checksum.
    using PageVisitor = std::function<void(PageNumber page, std::uint64_t checksum)>;

    /// Writes the header. A checksum is computed for each page only where there is a visitor. `scratch` is the
    /// encoder's.
    Merger(std::vector<Decoder>& inputs, ByteSink& output, const Codec& codec, PageVisitor visitor = {},
           std::filesystem::path scratch = {});

    /// Of the output: no lineage, no WAL range, the newest input's timestamp.
    const Header& header() const noexcept { return header_; }
    /// Writes the next page, or behind the last one a part of index and trailer; false when the file was complete before. All inputs have then been
    /// read to their end, so each one's checksum has been verified.
    bool step();
    /// Of the complete file.
    const Encoder::Result& result() const noexcept { return encoder_.result(); }
    /// Which input, by its number, was being read when step() threw; nothing when it was not because of one.
    std::optional<std::size_t> culprit() const noexcept { return culprit_; }

private:
    /// One input and the page it stands at.
    struct Head {
        Decoder& input;
        std::vector<std::byte> content;
    };
    /// Orders inputs by their page, and for one page the newest input first.
    struct Candidate {
        PageNumber page;
        std::size_t input;
        bool operator<(const Candidate& other) const noexcept {
            return page != other.page ? page > other.page : input < other.input;
        }
    };
    void advance(std::size_t input);
    void write(const Candidate& newest);

    const Header header_;
    const Codec& codec_;
    const PageVisitor visitor_;
    Encoder encoder_;
    PageOrder order_;
    std::vector<Head> heads_;
    std::priority_queue<Candidate> queue_;
    bool started_ = false;
    bool complete_ = false;  ///< all pages are written
    bool finished_ = false;
    std::optional<std::size_t> culprit_;
};

/// The whole merge at once.
Encoder::Result merge(std::vector<Decoder>& inputs, ByteSink& output, const Codec& codec);

}  // namespace litestream::ltx
