#include "SnapshotSource.h"

namespace litestream::faults {
namespace {

/// Its images are views of what it read last.
class ImageMoves final : public SnapshotSource {
public:
    using SnapshotSource::SnapshotSource;

private:
    class View final : public Image {
    public:
        explicit View(const ImageMoves& source)
            : source_(source), pages_(source.commit()), position_(source.position()) {}
        std::uint32_t pageSize() const noexcept override { return source_.pageSize(); }
        std::uint32_t pageCount() const noexcept override { return pages_; }
        Position position() const noexcept override { return position_; }
        void read(PageNumber first, MutableBytes into) override {
            SnapshotImage(source_.known_, pageSize(), position_).read(first, into);
        }

    private:
        const ImageMoves& source_;
        const std::uint32_t pages_;
        const Position position_;
    };

    std::unique_ptr<Image> image() override {
        SnapshotSource::image();
        return std::make_unique<View>(*this);
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_SOURCE("image-moves", litestream::faults::ImageMoves)
