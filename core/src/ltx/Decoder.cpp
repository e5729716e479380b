#include "ltx/Decoder.h"

#include "ltx/Bytes.h"

#include <litestream/Error.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace litestream::ltx {

namespace {

// Read at a time. A frame always fits beside it, so that frames are unpacked where they lie.
constexpr std::size_t kReadSize = 64u << 10;
constexpr std::size_t kLargestPage = 65536;
constexpr std::size_t kSizeField = sizeof(std::uint32_t);
constexpr std::size_t kReservedOffset = 80;

[[noreturn]] void refuse(const std::string& rule) {
    throw Error(ErrorCode::Corrupt, "LTX file: " + rule);
}

std::size_t windowSizeFor(const CodecSet& codecs) {
    return kReadSize + kPageHeaderSize + kSizeField + codecs.maxPacked(kLargestPage);
}

/// A page frame without its page header, unpacked.
struct Frame {
    std::size_t prefixSize;  ///< page header and size field
    ConstBytes packed;
};

std::size_t unpackPage(ConstBytes packed, PageNumber page, const CodecSet::Match& match, MutableBytes content) {
    try {
        return match.codec->unpack(match.form.flags, packed, content);
    } catch (const Error& error) {
        throw error.within(fmt::format("LTX file: page {}", page));
    }
}

/// Unpacks the frame at the front of `bytes`. For a form that tells its own end, they may go on behind it.
Frame unpackFrame(ConstBytes bytes, PageNumber page, const CodecSet::Match& match, MutableBytes content) {
    Frame frame{kPageHeaderSize, {}};
    if (match.form.sizePrefixed) {
        if (bytes.size() < kPageHeaderSize + kSizeField) refuse(fmt::format("ends inside page {}", page));
        const auto size = load<std::uint32_t>(bytes.data() + kPageHeaderSize);
        if (size == 0 || size > match.codec->maxPacked(content.size())) {
            refuse(fmt::format("page {} claims {} packed bytes", page, size));
        }
        frame.prefixSize += kSizeField;
        if (bytes.size() - frame.prefixSize < size) refuse(fmt::format("ends inside page {}", page));
        frame.packed = bytes.subspan(frame.prefixSize, size);
    } else {
        frame.packed = bytes.subspan(frame.prefixSize);
    }
    const std::size_t used = unpackPage(frame.packed, page, match, content);
    if (used > frame.packed.size() || (match.form.sizePrefixed && used != frame.packed.size())) {
        refuse(fmt::format("page {} uses {} of {} packed bytes", page, used, frame.packed.size()));
    }
    frame.packed = frame.packed.first(used);
    return frame;
}

}  // namespace

Decoder::Decoder(ByteSource source, const CodecSet& codecs, Strictness strictness)
    : source_(std::move(source)),
      codecs_(&codecs),
      strictness_(strictness),
      windowSize_(windowSizeFor(codecs)),
      window_(new std::byte[windowSize_]),
      header_(readHeader()),
      order_(header_) {}

Header Decoder::readHeader() {
    const ConstBytes bytes = fill(kHeaderSize);
    const Header header = decodeHeader(bytes);
    const ConstBytes reserved = bytes.first(kHeaderSize).subspan(kReservedOffset);
    const bool zero =
        std::all_of(reserved.begin(), reserved.end(), [](std::byte byte) { return byte == std::byte{0}; });
    if (strictness_ == Strictness::Verify && !zero) refuse("reserved header bytes are not zero");
    consume(kHeaderSize);
    return header;
}

PageNumber Decoder::next(MutableBytes content) {
    if (finished_) return 0;
    if (content.size() != header_.pageSize) {
        throw Error(ErrorCode::InvalidArgument, fmt::format("decode LTX file: buffer of {} bytes for pages of {}",
                                                            content.size(), header_.pageSize));
    }
    const ConstBytes pageHeader = require(kPageHeaderSize, "its page block");
    const auto page = load<PageNumber>(pageHeader.data());
    const auto flags = load<std::uint16_t>(pageHeader.data() + sizeof(page));
    if (page == 0) {
        if (flags != 0) refuse(fmt::format("page number zero with page flags {:#06x}", flags));
        finish();
        return 0;
    }
    const bool tolerant = strictness_ == Strictness::Restore;
    if (const std::string rule = order_.admit(page, tolerant); !rule.empty()) refuse(rule);

    const CodecSet::Match match = codecs_->find(flags);
    const std::size_t most = kPageHeaderSize + kSizeField + match.codec->maxPacked(header_.pageSize);
    const Frame frame = unpackFrame(fill(most), page, match, content);
    const std::uint64_t size = frame.prefixSize + frame.packed.size();

    if (!tolerant) expectEntry(page, size);
    crc_ = crc64(crc64(crc_, {window_.get() + begin_, frame.prefixSize}), content);
    if (!(header_.flags & kFlagNoChecksum) && header_.isSnapshot()) databaseChecksum_ ^= pageChecksum(page, content);
    begin_ += size;
    offset_ += size;
    packed_ = {flags, frame.packed};
    return page;
}

ConstBytes Decoder::fill(std::size_t wanted) {
    if (end_ - begin_ < wanted && !sourceEnded_) {
        std::memmove(window_.get(), window_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        while (end_ < wanted) {
            const std::size_t got = source_({window_.get() + end_, windowSize_ - end_});
            if (got == 0) {
                sourceEnded_ = true;
                break;
            }
            end_ += got;
        }
    }
    return {window_.get() + begin_, end_ - begin_};
}

ConstBytes Decoder::require(std::size_t size, const char* what) {
    const ConstBytes bytes = fill(size);
    if (bytes.size() < size) refuse(fmt::format("ends inside {}, at byte {}", what, offset_ + bytes.size()));
    return bytes.first(size);
}

void Decoder::consume(std::size_t size) {
    crc_ = crc64(crc_, {window_.get() + begin_, size});
    begin_ += size;
    offset_ += size;
}

void Decoder::expectEntry(PageNumber page, std::uint64_t size) {
    entry_.clear();
    appendIndexEntry(entry_, page, offset_, size);
    indexCrc_ = crc64(indexCrc_, entry_);
    indexSize_ += entry_.size();
}

void Decoder::finish() {
    if (const std::string rule = order_.finish(); !rule.empty()) refuse(rule);
    packed_ = {};
    consume(kPageHeaderSize);
    const bool indexMatches = readIndex();

    trailer_.postApplyChecksum = load<std::uint64_t>(require(kTrailerSize, "its trailer").data());
    consume(sizeof(std::uint64_t));
    trailer_.fileChecksum = load<std::uint64_t>(window_.get() + begin_);
    begin_ += sizeof(std::uint64_t);
    offset_ += sizeof(std::uint64_t);
    if (!fill(1).empty()) refuse(fmt::format("goes on behind its trailer, at byte {}", offset_));

    if (trailer_.fileChecksum != (kChecksumFlag | crc_)) {
        refuse(fmt::format("file checksum is {:016x}, content gives {:016x}", trailer_.fileChecksum,
                           kChecksumFlag | crc_));
    }
    checkPostApply();
    if (!indexMatches && strictness_ == Strictness::Verify) refuse("page index does not match the page frames");
    finished_ = true;
}

/// Walks over the index; tells whether it is the one that the frames ask for (Verify only: Restore knows no better).
bool Decoder::readIndex() {
    constexpr std::size_t kLongestEntry = 3 * kMaxVarint;
    const std::uint64_t start = offset_;
    std::uint64_t page = 0;
    std::uint64_t crc = 0;
    std::uint64_t size = 0;
    do {
        const ConstBytes bytes = fill(kLongestEntry);
        ConstBytes rest = bytes;
        const auto number = takeVarint(rest);
        const bool whole = number && (*number == 0 || (takeVarint(rest) && takeVarint(rest)));
        if (!whole) refuse(fmt::format("page index is cut short or no index, at byte {}", offset_));
        page = *number;
        const ConstBytes entry = bytes.first(bytes.size() - rest.size());
        if (page != 0 && strictness_ == Strictness::Verify) {
            crc = crc64(crc, entry);
            size += entry.size();
        }
        consume(entry.size());
    } while (page != 0);
    const std::uint64_t whole = offset_ - start;
    const auto claimed = load<std::uint64_t>(require(sizeof(std::uint64_t), "its page index").data());
    consume(sizeof(std::uint64_t));
    return crc == indexCrc_ && size == indexSize_ && claimed == whole;
}

void Decoder::checkPostApply() const {
    const std::uint64_t found = trailer_.postApplyChecksum;
    if (header_.flags & kFlagNoChecksum) {
        if (found != 0) refuse("post-apply checksum although checksums are not kept");
        return;
    }
    if (!(found & kChecksumFlag)) refuse("post-apply checksum is missing its top bit");
    if (header_.commit == 0 && found != kChecksumFlag)
        refuse("post-apply checksum of an empty database has more than its top bit");
    if (header_.isSnapshot() && found != (databaseChecksum_ | kChecksumFlag)) {
        refuse(fmt::format("post-apply checksum is {:016x}, pages give {:016x}", found,
                           databaseChecksum_ | kChecksumFlag));
    }
}

void decodeFrame(ConstBytes frame, PageNumber page, const CodecSet& codecs, MutableBytes content) {
    if (frame.size() < kPageHeaderSize) refuse(fmt::format("frame of page {} has {} bytes", page, frame.size()));
    const auto number = load<PageNumber>(frame.data());
    if (number != page) refuse(fmt::format("frame of page {} stands where the index promises page {}", number, page));
    const CodecSet::Match match = codecs.find(load<std::uint16_t>(frame.data() + sizeof(number)));
    const Frame unpacked = unpackFrame(frame, page, match, content);
    const std::size_t size = unpacked.prefixSize + unpacked.packed.size();
    if (size != frame.size())
        refuse(fmt::format("frame of page {} has {} bytes instead of {}", page, frame.size(), size));
}

Trailer verify(ByteSource source, const CodecSet& codecs) {
    Decoder decoder(std::move(source), codecs, Decoder::Strictness::Verify);
    std::vector<std::byte> page(decoder.header().pageSize);
    while (decoder.next(page) != 0) {
    }
    return decoder.trailer();
}

}  // namespace litestream::ltx
