#include "restore/PageWriter.h"

#include "ltx/Bytes.h"
#include "ltx/Decoder.h"

#include <litestream/Error.h>

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace litestream::restore {
namespace {

constexpr std::size_t kRunBytes = 1u << 20;
/// Runs of at least this length go to the disk at once, while the next ones are unpacked; little ones wait for the fsync, where
/// the kernel can sort them.
constexpr std::size_t kWriteBehindBytes = 256u << 10;

}  // namespace

PageWriter::PageWriter(int descriptor, std::string name, std::uint32_t pageSize, const ltx::CodecSet& codecs)
    : descriptor_(descriptor), name_(std::move(name)), pageSize_(pageSize), codecs_(codecs), run_(kRunBytes), scratch_(pageSize) {}

void PageWriter::write(std::span<const Frame> frames, ConstBytes bytes) {
    for (const Frame& frame : frames) {
        const ConstBytes packed = bytes.first(frame.size());
        bytes = bytes.subspan(frame.size());
        if (frame.owned()) ltx::decodeFrame(packed, frame.page(), codecs_, place(frame.page()));
    }
    flush();
}

PartialSum PageWriter::writeAndSum(std::span<const Frame> frames, ConstBytes bytes, PageSums pageSums) {
    PartialSum total;
    for (const Frame& frame : frames) {
        const ConstBytes packed = bytes.first(frame.size());
        bytes = bytes.subspan(frame.size());
        const MutableBytes content = frame.owned() ? place(frame.page()) : MutableBytes(scratch_);
        ltx::decodeFrame(packed, frame.page(), codecs_, content);
        addCrc(total, packed, content);
        if (pageSums == PageSums::Compute) total.pages ^= ltx::pageChecksum(frame.page(), content);
    }
    flush();
    return total;
}

void PageWriter::addCrc(PartialSum& sum, ConstBytes frame, ConstBytes content) const {
    const bool prefixed = codecs_.find(ltx::load<std::uint16_t>(frame.data() + sizeof(PageNumber))).form.sizePrefixed;
    const ConstBytes head = frame.first(ltx::kPageHeaderSize + (prefixed ? sizeof(std::uint32_t) : 0));
    sum.crc = ltx::crc64(ltx::crc64(sum.crc, head), content);
    sum.bytes += head.size() + content.size();
}

MutableBytes PageWriter::place(PageNumber page) {
    const bool fits = (count_ + std::size_t{1}) * pageSize_ <= run_.size();
    if (count_ != 0 && (page != first_ + count_ || !fits)) flush();
    if (count_ == 0) first_ = page;
    return MutableBytes(run_).subspan(std::size_t{count_++} * pageSize_, pageSize_);
}

void PageWriter::flush() {
    ConstBytes rest = ConstBytes(run_).first(std::size_t{count_} * pageSize_);
    auto offset = static_cast<off_t>((first_ - std::uint64_t{1}) * pageSize_);
    const off_t begin = offset;
    const std::size_t size = rest.size();
    count_ = 0;
    while (!rest.empty()) {
        const ssize_t written = ::pwrite(descriptor_, rest.data(), rest.size(), offset);
        if (written < 0) {
            if (errno == EINTR) continue;
            throw systemError("write " + name_, errno);
        }
        rest = rest.subspan(static_cast<std::size_t>(written));
        offset += written;
    }
    // A hint: whether it works or not, the fsync at the end is what counts.
    if (size >= kWriteBehindBytes) ::sync_file_range(descriptor_, begin, static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE);
}

}  // namespace litestream::restore
