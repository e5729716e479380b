#pragma once

#include "ltx/Format.h"
#include "ltx/FrameList.h"
#include "ltx/PageOrder.h"

#include <litestream/Codec.h>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace litestream::ltx {

/// Where encoded bytes go. Called by one thread.
class ByteSink {
public:
    virtual ~ByteSink() = default;
    virtual void write(ConstBytes bytes) = 0;
};

/// A ByteSink into memory. clear() keeps the capacity, so that one buffer serves many files.
class MemorySink final : public ByteSink {
public:
    void write(ConstBytes bytes) override { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
    std::vector<std::byte>& bytes() noexcept { return bytes_; }
    void clear() noexcept { bytes_.clear(); }

private:
    std::vector<std::byte> bytes_;
};

/// Writes one LTX file, page by page in ascending order, in one pass and with bounded memory (FrameList). Refuses with Error(InvalidArgument) whatever the format
/// forbids: pages out of order, beyond commit, the lock page, holes in a snapshot, a snapshot that ends before commit, and
/// headers that keep database checksums, which upstream does not restore. What the sink throws passes through and ruins the file.
class Encoder {
public:
    struct Result {
        std::uint64_t size = 0;  ///< bytes of the file
        std::uint64_t fileChecksum = 0;
        std::uint32_t pageCount = 0;
        std::uint64_t framesEnd = 0;  ///< where the end marker begins, from the start of the file
        std::uint64_t tailCrc = 0;    ///< CRC-64 of everything from there on: what a read-back compares
    };

    /// Writes the header at once. `sink` and `codec` outlive the encoder. `scratch` is a directory for what a very large file needs besides memory.
    Encoder(ByteSink& sink, const Header& header, const Codec& codec, std::filesystem::path scratch = {});

    /// Packs and writes one page.
    void addPage(PageNumber number, ConstBytes content);
    /// Writes a page that was packed elsewhere (by codec.pack, perhaps on another thread). `content` is still needed for the checksum.
    void addPacked(PageNumber number, ConstBytes content, ConstBytes packed);
    /// Writes the next part of index and trailer, at most some hundred KiB; true when the file is complete. Nothing may be added afterwards.
    bool finishStep();
    /// All of it.
    Result finish();
    /// Of the complete file.
    const Result& result() const noexcept { return result_; }

private:
    void admit(PageNumber number, ConstBytes content);
    void beginFrame(PageNumber number, ConstBytes content, std::size_t packedSize);
    void emit(ConstBytes bytes);
    void beginTail();
    void endTail();

    ByteSink& sink_;
    Header header_;
    const Codec& codec_;
    PageForm form_;
    std::size_t prefixSize_;  ///< page header and size field
    PageOrder order_;
    std::vector<std::byte> frame_;  ///< the frame at work: prefix and room for the packed page, so that one write emits both
    FrameList frames_;
    std::vector<std::byte> index_;  ///< the part that is being written
    std::uint64_t indexSize_ = 0;
    std::uint64_t offset_ = 0;
    std::uint64_t crc_ = 0;
    Result result_;  ///< counts while the file grows
    enum class Stage { Pages, Tail, Finished } stage_ = Stage::Pages;
};

}  // namespace litestream::ltx
