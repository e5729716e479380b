#pragma once

#include "ltx/Encoder.h"
#include "replica/Content.h"

#include <litestream/Codec.h>
#include <litestream/Source.h>

#include <boost/asio/thread_pool.hpp>

#include <deque>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <vector>

namespace litestream::engine {

/// Encodes a whole image as one LTX file, stretch by stretch: the caller's thread reads, checksums and hands on, helper threads pack.
/// Memory is a few stretches, whatever the size of the database.
///
/// Used by one thread at a time. That thread must not belong to the pool of the helpers.
class ImageEncoder {
public:
    /// Page checksums of consecutive pages from `first` on (0 for the lock page), in order, on the caller's thread.
    using Sums = std::function<void(PageNumber first, std::span<const std::uint64_t> sums)>;

    /// `header.pageSize` and `header.commit` are the image's. All references outlive the encoder. `scratch`: see ltx::Encoder.
    ImageEncoder(Image& image, const ltx::Header& header, const Codec& codec, boost::asio::thread_pool& helpers,
                 ltx::ByteSink& sink, Sums sums, const std::filesystem::path& scratch);
    ~ImageEncoder();

    /// Encodes one stretch, or a part of the index, into the sink. False when the file is complete.
    bool step();
    const ltx::Encoder::Result& result() const noexcept { return encoder_.result(); }

private:
    struct Stretch;
    void launch();
    void pack(Stretch& stretch) const;

    Image& image_;
    const ltx::Header header_;
    const Codec& codec_;
    boost::asio::thread_pool& helpers_;
    Sums sums_;
    ltx::Encoder encoder_;
    PageNumber nextPage_ = 1;
    std::deque<std::unique_ptr<Stretch>> window_;
    std::vector<std::unique_ptr<Stretch>> spare_;
    bool finished_ = false;
};

/// An image as something to upload: encoded anew for every attempt, never stored.
class ImageContent final : public replica::Content {
public:
    ImageContent(std::unique_ptr<Image> image, const ltx::Header& header, std::shared_ptr<const Codec> codec,
                 boost::asio::thread_pool& helpers, ImageEncoder::Sums sums, std::filesystem::path scratch);

    std::unique_ptr<Body> open() const override;
    std::uint64_t size() const noexcept override { return 0; }
    std::uint64_t fileChecksum() const noexcept override { return 0; }
    std::uint64_t expectedSize() const noexcept override { return std::uint64_t{header_.commit} * header_.pageSize; }

private:
    const std::unique_ptr<Image> image_;
    const ltx::Header header_;
    const std::shared_ptr<const Codec> codec_;
    boost::asio::thread_pool& helpers_;
    const ImageEncoder::Sums sums_;
    const std::filesystem::path scratch_;
};

}  // namespace litestream::engine
