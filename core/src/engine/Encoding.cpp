#include "engine/Encoding.h"

#include "engine/ImageEncoder.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>

namespace litestream::engine {

namespace {

/// Beyond this a file is not worth its memory: it takes long to upload anyway.
constexpr std::uint64_t kMostInMemory = 12u << 20;
/// ... where it has another place. A cut may be larger than its limit by what a source captures in its housekeeping.
constexpr std::uint64_t kMostWithoutSpool = 24u << 20;

Payload::Identity identify(const ltx::Header& header, const ltx::Encoder::Result& result) {
    return {header.maxTxid, header.timestamp, header.commit, result.size, result.fileChecksum};
}

ltx::Encoder::Result encodeInto(ltx::ByteSink& sink, const Batch& batch, const ltx::Header& header, const Codec& codec,
                                std::vector<PageSum>& sums) {
    ltx::Encoder encoder(sink, header, codec);
    sums.reserve(batch.pageCount());
    batch.visit(header.commit, [&](PageNumber number, ConstBytes content) {
        encoder.addPage(number, content);
        sums.push_back({number, ltx::pageChecksum(number, content)});
    });
    return encoder.finish();
}

std::shared_ptr<Payload> encodeToSpool(const Batch& batch, const ltx::Header& header, const Codec& codec,
                                       const std::filesystem::path& spoolFile) {
    std::vector<PageSum> sums;
    SpoolWriter writer(spoolFile);
    const auto result = encodeInto(writer, batch, header, codec, sums);
    writer.commit();
    auto payload = std::make_shared<Payload>(identify(header, result), spoolFile);
    payload->sums.entries = std::move(sums);
    return payload;
}

}  // namespace

std::shared_ptr<Payload> encodeBatch(const Batch& batch, const ltx::Header& header, const Codec& codec, ChunkPool& pool,
                                     const std::filesystem::path& spoolFile, bool toSpool) {
    const bool small = batch.bytes() <= kMostInMemory;
    if (toSpool || !small) {
        try {
            return encodeToSpool(batch, header, codec, spoolFile);
        } catch (const Error& error) {
            if (batch.bytes() > kMostWithoutSpool) throw;
            log::debug("spool not usable", {{"file", spoolFile.string()}, {"reason", error.what()}});
        }
    }
    std::vector<PageSum> sums;
    auto memory = std::make_unique<ChunkBuffer>(pool);
    const auto result = encodeInto(*memory, batch, header, codec, sums);
    auto payload = std::make_shared<Payload>(identify(header, result), std::move(memory), spoolFile);
    payload->sums.entries = std::move(sums);
    return payload;
}

namespace {

/// Reads an image from front to back, a stretch at a time: `visit(first, pages, sums)`, with the page checksums, 0 for the lock page.
template <class Visit>
void readStretches(Image& image, Visit visit) {
    constexpr std::size_t kStretchBytes = 1u << 20;
    const std::uint32_t pageSize = image.pageSize();
    const auto perStretch = static_cast<std::uint32_t>(kStretchBytes / pageSize);
    std::vector<std::byte> pages(std::size_t{perStretch} * pageSize);
    std::vector<std::uint64_t> sums(perStretch);
    for (std::uint64_t first = 1; first <= image.pageCount(); first += perStretch) {
        const auto number = static_cast<PageNumber>(first);
        const std::uint32_t count = std::min(perStretch, image.pageCount() - number + 1);
        const auto stretch = std::span(pages).first(std::size_t{count} * pageSize);
        image.read(number, stretch);
        for (std::uint32_t i = 0; i < count; ++i) {
            const auto content = stretch.subspan(std::size_t{i} * pageSize, pageSize);
            sums[i] = number + i == lockPage(pageSize) ? 0 : ltx::pageChecksum(number + i, content);
        }
        visit(number, ConstBytes(stretch), std::span<const std::uint64_t>(sums).first(count));
    }
}

/// What a file says of the pages of a stretch. Entries behind the end of the state that it describes may be left over from a larger one.
class KnownSums {
public:
    explicit KnownSums(const PageSums* file) : file_(file), pages_(file == nullptr ? 0 : file->load().commit) {}
    void read(PageNumber first, std::size_t count) {
        first_ = first;
        known_.resize(count);
        if (file_ != nullptr) file_->read(first, known_);
    }
    bool differs(std::size_t i, std::uint64_t sum) const { return file_ != nullptr && (first_ + i > pages_ || known_[i] != sum); }

private:
    const PageSums* file_;
    const std::uint32_t pages_;
    PageNumber first_ = 1;
    std::vector<std::uint64_t> known_;
};

}  // namespace

Differences collectDifferences(Image& image, const PageSums& sums, Batch& batch, const PageSums* other) {
    Differences found{0, ltx::kEmptyDigest, 0};
    KnownSums ours(&sums);
    KnownSums theirs(other);
    const std::uint32_t pageSize = image.pageSize();
    readStretches(image, [&](PageNumber first, ConstBytes pages, std::span<const std::uint64_t> now) {
        ours.read(first, now.size());
        theirs.read(first, now.size());
        found.digest = ltx::addToDigest(found.digest, now);
        for (std::size_t i = 0; i < now.size(); ++i) {
            const auto number = static_cast<PageNumber>(first + i);
            if (now[i] == 0) continue;
            const bool oursDiffer = ours.differs(i, now[i]);
            const bool theirsDiffer = theirs.differs(i, now[i]);
            if (other != nullptr && oursDiffer && !theirsDiffer) ++found.oursAlone;
            if (oursDiffer || theirsDiffer) batch.page(number, pages.subspan(i * pageSize, pageSize));
        }
    });
    found.pages = batch.pageCount();
    return found;
}

std::uint64_t digestOf(Image& image, const CancellationToken& cancellation) {
    std::uint64_t digest = ltx::kEmptyDigest;
    const CallContext context{.cancellation = cancellation};
    readStretches(image, [&](PageNumber, ConstBytes, std::span<const std::uint64_t> sums) {
        context.check("read the database");
        digest = ltx::addToDigest(digest, sums);
    });
    return digest;
}

std::shared_ptr<Payload> encodeImage(Image& image, const ltx::Header& header, const Codec& codec,
                                     boost::asio::thread_pool& helpers, const std::filesystem::path& spoolFile,
                                     SumsBuild* sums) {
    ImageEncoder::Sums collect;
    if (sums != nullptr) {
        collect = [sums](PageNumber first, std::span<const std::uint64_t> run) { sums->write(first, run); };
    }
    SpoolWriter writer(spoolFile);
    ImageEncoder encoder(image, header, codec, helpers, writer, std::move(collect), spoolFile.parent_path());
    while (encoder.step()) {
    }
    writer.commit();
    auto payload = std::make_shared<Payload>(identify(header, encoder.result()), spoolFile);
    payload->sums.known = false;
    return payload;
}

ltx::ByteSource readBody(std::shared_ptr<Body> body) {
    auto rest = std::make_shared<ConstBytes>();
    return [body = std::move(body), rest](MutableBytes into) {
        if (rest->empty()) *rest = body->next();
        const std::size_t count = std::min(into.size(), rest->size());
        std::copy_n(rest->begin(), count, into.begin());
        *rest = rest->subspan(count);
        return count;
    };
}

Txid applyFile(ltx::ByteSource file, const ltx::CodecSet& codecs, Txid from, PageSums& sums) {
    ltx::Decoder decoder(std::move(file), codecs);
    const auto& header = decoder.header();
    std::vector<std::byte> page(header.pageSize);
    std::vector<PageSum> entries;
    while (const PageNumber number = decoder.next(page)) entries.push_back({number, ltx::pageChecksum(number, page)});
    sums.apply(from, header.maxTxid, header.commit, entries);
    return header.maxTxid;
}

}  // namespace litestream::engine
