#include "engine/ImageEncoder.h"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace litestream::engine {

namespace {

constexpr std::size_t kStretchBytes = 512 * 1024;
constexpr std::size_t kWindow = 6;

}  // namespace

/// A run of consecutive pages between reading and writing.
struct ImageEncoder::Stretch {
    PageNumber first = 0;
    std::uint32_t count = 0;
    std::vector<std::byte> pages;
    std::vector<std::byte> packed;
    std::vector<std::size_t> sizes;  // packed bytes of each page
    std::vector<std::uint64_t> sums;
    std::future<void> done;
};

ImageEncoder::ImageEncoder(Image& image, const ltx::Header& header, const Codec& codec, boost::asio::thread_pool& helpers,
                           ltx::ByteSink& sink, Sums sums, const std::filesystem::path& scratch)
    : image_(image),
      header_(header),
      codec_(codec),
      helpers_(helpers),
      sums_(std::move(sums)),
      encoder_(sink, header, codec, scratch) {}

ImageEncoder::~ImageEncoder() {
    // Helpers still write into what is under way.
    for (const auto& stretch : window_) stretch->done.wait();
}

void ImageEncoder::launch() {
    const std::uint32_t pageSize = header_.pageSize;
    const auto perStretch = static_cast<std::uint32_t>(kStretchBytes / pageSize);
    std::unique_ptr<Stretch> stretch;
    if (spare_.empty()) {
        stretch = std::make_unique<Stretch>();
    } else {
        stretch = std::move(spare_.back());
        spare_.pop_back();
    }
    stretch->first = nextPage_;
    stretch->count = std::min(perStretch, header_.commit - nextPage_ + 1);
    stretch->pages.resize(std::size_t{stretch->count} * pageSize);
    image_.read(stretch->first, stretch->pages);
    nextPage_ += stretch->count;

    std::packaged_task<void()> task([this, raw = stretch.get()] { pack(*raw); });
    stretch->done = task.get_future();
    boost::asio::post(helpers_, std::move(task));
    window_.push_back(std::move(stretch));
}

void ImageEncoder::pack(Stretch& stretch) const {
    const std::uint32_t pageSize = header_.pageSize;
    const std::size_t slot = codec_.maxPacked(pageSize);
    stretch.packed.resize(slot * stretch.count);
    stretch.sizes.resize(stretch.count);
    stretch.sums.resize(stretch.count);
    for (std::uint32_t i = 0; i < stretch.count; ++i) {
        const auto page = std::span(stretch.pages).subspan(std::size_t{i} * pageSize, pageSize);
        if (stretch.first + i == lockPage(pageSize)) {
            stretch.sums[i] = 0;
            continue;
        }
        stretch.sizes[i] = codec_.pack(page, std::span(stretch.packed).subspan(slot * i, slot));
        stretch.sums[i] = sums_ ? ltx::pageChecksum(stretch.first + i, page) : 0;
    }
}

bool ImageEncoder::step() {
    if (finished_) return false;
    while (nextPage_ <= header_.commit && window_.size() < kWindow) launch();
    if (window_.empty()) {
        finished_ = encoder_.finishStep();
        return true;
    }
    auto stretch = std::move(window_.front());
    window_.pop_front();
    stretch->done.get();
    const std::uint32_t pageSize = header_.pageSize;
    const std::size_t slot = codec_.maxPacked(pageSize);
    for (std::uint32_t i = 0; i < stretch->count; ++i) {
        if (stretch->first + i == lockPage(pageSize)) continue;
        encoder_.addPacked(stretch->first + i, std::span(stretch->pages).subspan(std::size_t{i} * pageSize, pageSize),
                           std::span(stretch->packed).subspan(slot * i, stretch->sizes[i]));
    }
    if (sums_) sums_(stretch->first, stretch->sums);
    spare_.push_back(std::move(stretch));
    return true;
}

namespace {

/// The image's bytes, produced as they are asked for.
class ImageBody final : public Body {
public:
    ImageBody(Image& image, const ltx::Header& header, const Codec& codec, boost::asio::thread_pool& helpers,
              ImageEncoder::Sums sums, const std::filesystem::path& scratch)
        : image_(image), header_(header), codec_(codec), helpers_(helpers), sums_(std::move(sums)), scratch_(scratch) {
        rewind();
    }

    std::optional<std::uint64_t> size() const override { return std::nullopt; }

    ConstBytes next() override {
        // The first run begins with the header, which the encoder wrote when it was made.
        if (!fresh_) sink_.clear();
        fresh_ = false;
        const std::size_t before = sink_.bytes().size();
        while (sink_.bytes().size() == before && encoder_->step()) {
        }
        return sink_.bytes();
    }

    void rewind() override {
        encoder_.reset();
        sink_.clear();
        fresh_ = true;
        encoder_ = std::make_unique<ImageEncoder>(image_, header_, codec_, helpers_, sink_, sums_, scratch_);
    }

private:
    Image& image_;
    const ltx::Header header_;
    const Codec& codec_;
    boost::asio::thread_pool& helpers_;
    const ImageEncoder::Sums sums_;
    const std::filesystem::path& scratch_;
    ltx::MemorySink sink_;
    bool fresh_ = true;
    std::unique_ptr<ImageEncoder> encoder_;
};

}  // namespace

ImageContent::ImageContent(std::unique_ptr<Image> image, const ltx::Header& header, std::shared_ptr<const Codec> codec,
                           boost::asio::thread_pool& helpers, ImageEncoder::Sums sums, std::filesystem::path scratch)
    : image_(std::move(image)),
      header_(header),
      codec_(std::move(codec)),
      helpers_(helpers),
      sums_(std::move(sums)),
      scratch_(std::move(scratch)) {}

std::unique_ptr<Body> ImageContent::open() const {
    return std::make_unique<ImageBody>(*image_, header_, *codec_, helpers_, sums_, scratch_);
}

}  // namespace litestream::engine
