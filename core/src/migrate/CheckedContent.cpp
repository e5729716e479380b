#include "migrate/CheckedContent.h"

#include "migrate/StreamedContent.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace litestream::migrate {
namespace {

/// The check's own: the window of a decoder, or two blocks of LZ4.
constexpr std::uint64_t kLtxCheck = 512u << 10;
constexpr std::uint64_t kLz4Check = 9u << 20;
/// What a large object takes: pieces read ahead, and the parts that a transport has under way.
constexpr std::uint64_t kPieces = 4u << 20;
constexpr std::uint64_t kPartsUnderWay = 30u << 20;

/// A piece of memory as the source of a check.
class MemorySource {
public:
    explicit MemorySource(ConstBytes bytes) : rest_(bytes) {}

    std::size_t operator()(MutableBytes into) {
        const std::size_t count = std::min(into.size(), rest_.size());
        std::memcpy(into.data(), rest_.data(), count);
        rest_ = rest_.subspan(count);
        return count;
    }

private:
    ConstBytes rest_;
};

/// An object that was read and checked before anybody sees a byte.
class WholeContent final : public CheckedContent {
public:
    WholeContent(std::vector<std::byte> bytes, std::optional<Timestamp> timestamp) : bytes_(std::move(bytes)), timestamp_(timestamp) {}

    std::optional<std::uint64_t> size() const override { return bytes_.size(); }
    ConstBytes next() override { return std::exchange(handedOut_, true) ? ConstBytes() : ConstBytes(bytes_); }
    void rewind() override { handedOut_ = false; }
    std::optional<Timestamp> timestamp() override { return timestamp_; }
    std::optional<Error> failure() const override { return std::nullopt; }

private:
    const std::vector<std::byte> bytes_;
    const std::optional<Timestamp> timestamp_;
    bool handedOut_ = false;
};

}  // namespace

std::uint64_t memoryFor(const Object& object) noexcept {
    const std::uint64_t check = isLtx(object.id) ? kLtxCheck : kLz4Check;
    return check + (object.size <= kWholeInMemory ? object.size : kPieces + kPartsUnderWay);
}

std::unique_ptr<CheckedContent> openChecked(const Object& object, PieceReader reader, const ltx::CodecSet& codecs) {
    if (object.size > kWholeInMemory) return std::make_unique<StreamedContent>(object, std::move(reader), codecs);
    std::vector<std::byte> bytes(static_cast<std::size_t>(object.size));
    if (!bytes.empty()) reader(0, bytes);
    const auto check = beginCheck(object.id, MemorySource(bytes), codecs);
    check->finish();
    return std::make_unique<WholeContent>(std::move(bytes), check->timestamp());
}

void checkObject(const Object& object, const PieceReader& reader, const ltx::CodecSet& codecs) {
    const auto content = openChecked(object, reader, codecs);
    while (!content->next().empty()) {
    }
}

}  // namespace litestream::migrate
