#include "ltx/Encoder.h"

#include "ltx/Bytes.h"

#include <litestream/Error.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace litestream::ltx {

namespace {

[[noreturn]] void refuse(const std::string& rule) {
    throw Error(ErrorCode::InvalidArgument, "encode LTX file: " + rule);
}

const Header& checked(const Header& header) {
    if (const std::string rule = violatedRule(header); !rule.empty()) refuse(rule);
    // Upstream refuses to restore files that keep database checksums, so none are written.
    if (!(header.flags & kFlagNoChecksum)) refuse("database checksums are not kept. Set the no-checksum flag");
    return header;
}

}  // namespace

Encoder::Encoder(ByteSink& sink, const Header& header, const Codec& codec, std::filesystem::path scratch)
    : sink_(sink),
      header_(checked(header)),
      codec_(codec),
      form_(codec.written()),
      prefixSize_(kPageHeaderSize + (form_.sizePrefixed ? sizeof(std::uint32_t) : 0)),
      order_(header),
      frames_(std::move(scratch)) {
    frame_.resize(prefixSize_ + codec.maxPacked(header.pageSize));
    emit(encode(header));
}

void Encoder::addPage(PageNumber number, ConstBytes content) {
    admit(number, content);
    const MutableBytes room = MutableBytes(frame_).subspan(prefixSize_);
    const std::size_t size = codec_.pack(content, room);
    beginFrame(number, content, size);
    sink_.write(ConstBytes(frame_).first(prefixSize_ + size));
}

void Encoder::addPacked(PageNumber number, ConstBytes content, ConstBytes packed) {
    if (packed.empty() || packed.size() > frame_.size() - prefixSize_) {
        refuse(fmt::format("page {} packed into {} bytes", number, packed.size()));
    }
    admit(number, content);
    beginFrame(number, content, packed.size());
    sink_.write(ConstBytes(frame_).first(prefixSize_));
    sink_.write(packed);
}

bool Encoder::finishStep() {
    if (stage_ == Stage::Pages) beginTail();
    index_.clear();
    if (frames_.take(index_)) {
        indexSize_ += index_.size();
        emit(index_);
        return false;
    }
    endTail();
    return true;
}

Encoder::Result Encoder::finish() {
    while (!finishStep()) {
    }
    return result_;
}

void Encoder::beginTail() {
    if (const std::string rule = order_.finish(); !rule.empty()) refuse(rule);
    stage_ = Stage::Tail;
    result_.framesEnd = offset_;
    constexpr std::array<std::byte, kPageHeaderSize> endMarker{};
    emit(endMarker);
}

void Encoder::endTail() {
    if (stage_ == Stage::Finished) refuse("it is finished already");
    stage_ = Stage::Finished;
    constexpr std::array<std::byte, 1> endOfIndex{};
    emit(endOfIndex);
    std::array<std::byte, sizeof(std::uint64_t)> number;
    store(number.data(), indexSize_ + endOfIndex.size());
    emit(number);
    store(number.data(), std::uint64_t{0});  // post-apply checksum
    emit(number);

    result_.fileChecksum = kChecksumFlag | crc_;
    store(number.data(), result_.fileChecksum);
    emit(number);
    result_.size = offset_;
}

void Encoder::admit(PageNumber number, ConstBytes content) {
    if (stage_ != Stage::Pages) refuse("it is finished already");
    if (content.size() != header_.pageSize) {
        refuse(fmt::format("page {} has {} bytes instead of {}", number, content.size(), header_.pageSize));
    }
    if (const std::string rule = order_.admit(number); !rule.empty()) refuse(rule);
}

void Encoder::beginFrame(PageNumber number, ConstBytes content, std::size_t packedSize) {
    store(frame_.data(), number);
    store(frame_.data() + sizeof(number), form_.flags);
    if (form_.sizePrefixed) store(frame_.data() + kPageHeaderSize, static_cast<std::uint32_t>(packedSize));
    // The checksum covers the page itself, never its packed form.
    crc_ = crc64(crc64(crc_, ConstBytes(frame_).first(prefixSize_)), content);

    const std::uint64_t size = prefixSize_ + packedSize;
    frames_.add(number, size);
    offset_ += size;
    ++result_.pageCount;
}

void Encoder::emit(ConstBytes bytes) {
    crc_ = crc64(crc_, bytes);
    if (stage_ != Stage::Pages) result_.tailCrc = crc64(result_.tailCrc, bytes);
    offset_ += bytes.size();
    sink_.write(bytes);
}

}  // namespace litestream::ltx
