#include "engine/Encoding.h"

#include "engine/ImageEncoder.h"
#include "util/Log.h"

#include <litestream/Error.h>

#include <algorithm>

namespace litestream::engine {

namespace {

/// Beyond this a file is not worth its memory: it takes long to upload anyway.
constexpr std::uint64_t kMostInMemory = 12u << 20;

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
            if (!small) throw;
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

std::uint32_t collectDifferences(Image& image, const PageSums& sums, Batch& batch) {
    constexpr std::size_t kStretchBytes = 1u << 20;
    const std::uint32_t pageSize = image.pageSize();
    const auto perStretch = static_cast<std::uint32_t>(kStretchBytes / pageSize);
    std::vector<std::byte> pages(std::size_t{perStretch} * pageSize);
    std::vector<std::uint64_t> known(perStretch);
    const std::uint32_t describedPages = sums.load().commit;
    for (PageNumber first = 1; first <= image.pageCount(); first += perStretch) {
        const std::uint32_t count = std::min(perStretch, image.pageCount() - first + 1);
        const auto stretch = std::span(pages).first(std::size_t{count} * pageSize);
        image.read(first, stretch);
        sums.read(first, std::span(known).first(count));
        for (std::uint32_t i = 0; i < count; ++i) {
            const PageNumber number = first + i;
            if (number == lockPage(pageSize)) continue;
            const auto content = stretch.subspan(std::size_t{i} * pageSize, pageSize);
            // Entries behind the end of the state that the sums describe may be left over from a larger one.
            if (number > describedPages || ltx::pageChecksum(number, content) != known[i]) batch.page(number, content);
        }
    }
    return batch.pageCount();
}

std::shared_ptr<Payload> encodeImage(Image& image, const ltx::Header& header, const Codec& codec,
                                     boost::asio::thread_pool& helpers, const std::filesystem::path& spoolFile,
                                     SumsBuild* sums) {
    ImageEncoder::Sums collect;
    if (sums != nullptr) {
        collect = [sums](PageNumber first, std::span<const std::uint64_t> run) { sums->write(first, run); };
    }
    SpoolWriter writer(spoolFile);
    ImageEncoder encoder(image, header, codec, helpers, writer, std::move(collect));
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
