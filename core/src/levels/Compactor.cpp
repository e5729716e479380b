#include "levels/Compactor.h"

#include "levels/ReadWhole.h"

#include <litestream/Error.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace litestream::levels {

namespace {

using replica::FileInfo;

/// Files up to this size are read back whole: it is one request anyway.
constexpr std::uint64_t kCheap = replica::ReplicaStore::kPieceBytes;
/// For each page in the index of a file.
constexpr std::uint64_t kMostIndexBytes = 16;

[[noreturn]] void refuse(const std::string& key, const std::string& what) {
    throw Error(ErrorCode::Corrupt, "read back " + key + ": " + what);
}

bool sameHeader(const ltx::Header& a, const ltx::Header& b) { return ltx::encode(a) == ltx::encode(b); }

}  // namespace

Compacted Compactor::run(const Job& job, const Expected& expected, unsigned slowness) {
    try {
        return merge(job, expected, slowness);
    } catch (const InputError& error) {
        if (error.code() != ErrorCode::Corrupt || !soundAfterAll(job, expected, error.input())) throw;
        throw Error(ErrorCode::Transient, "damaged on the way, for it reads well now: " + std::string(error.what()));
    }
}

bool Compactor::soundAfterAll(const Job& job, const Expected& expected, const replica::FileId& input) {
    const auto at = std::find_if(job.inputs.begin(), job.inputs.end(), [&](const FileInfo& file) { return file.id == input; });
    const auto index = static_cast<std::size_t>(at - job.inputs.begin());
    try {
        readWhole(store_, *at, codecs_, index < expected.checksums.size() ? expected.checksums[index] : std::nullopt, transferContext(at->size, cancellation_));
        return true;
    } catch (const Error& error) {
        if (!isLost(error)) throw;
        return false;
    }
}

Compacted Compactor::merge(const Job& job, const Expected& expected, unsigned slowness) {
    const std::uint64_t bytes = std::accumulate(job.inputs.begin(), job.inputs.end(), std::uint64_t{0},
                                                [](std::uint64_t sum, const FileInfo& input) { return sum + input.size; });
    const CallContext context = transferContext(2 * bytes, cancellation_, slowness);
    MergedBody body(store_, job.inputs, codecs_, codec_, context, expected, {}, scratch_);
    const ltx::Header header = body.header();
    if (header.minTxid != job.output.range.min || header.maxTxid != job.output.range.max) {
        throw Error(ErrorCode::InvalidArgument, "merge into " + store_.layout().key(job.output) + ": the inputs make another range");
    }
    bool again = false;
    PutOptions options{header.timestamp, store_.capabilities().conditionalPut && !job.replaces, attributes_};
    for (;;) {
        try {
            store_.put(job.output, body, options, context);
        } catch (const Error& error) {
            if (body.culprit()) throw InputError(*body.culprit(), error);
            if (body.mismatch()) throw *body.mismatch();
            if (error.code() != ErrorCode::Conflict || !options.onlyIfAbsent || !isOurs(job, body, context)) throw;
        }
        const FileInfo file{job.output, body.result().size, header.timestamp};
        try {
            readTwice([&] { readBack(file, header, body.result(), context); });
            return {file, body.result().fileChecksum, body.checksums(), expected.digest};
        } catch (const Error& error) {
            if (!isLost(error)) throw;
            // It is in the way of restores.
            if (std::exchange(again, true)) {
                discard(job.output, context);
                throw;
            }
        }
        // It did not arrive as it was sent: once more, in its place.
        options.onlyIfAbsent = false;
        body.rewind();
    }
}

bool Compactor::isOurs(const Job& job, MergedBody& body, const CallContext& context) {
    // The name is taken: by an earlier attempt of ours, or by another writer. The content of a merge is a function of its inputs.
    const auto& written = body.result();
    const auto found = store_.transport().head(store_.layout().key(job.output), context);
    if (found.size != written.size) return false;
    const FileInfo file{job.output, found.size, found.timestamp};
    const auto same = [&] { return store_.readTrailer(file, context).fileChecksum == written.fileChecksum; };
    return same() || same();
}

void Compactor::readBack(const FileInfo& file, const ltx::Header& header, const ltx::Encoder::Result& written,
                         const CallContext& context) {
    const std::string key = store_.layout().key(file.id);
    if (file.size <= kCheap) {
        ltx::Decoder decoder(store_.open(file, context), codecs_, ltx::Decoder::Strictness::Verify);
        std::vector<std::byte> page(decoder.header().pageSize);
        while (decoder.next(page) != 0) {
        }
        if (!sameHeader(decoder.header(), header)) refuse(key, "another header than was written");
        if (decoder.trailer().fileChecksum != written.fileChecksum) refuse(key, "another file checksum than was written");
        return;
    }
    if (!sameHeader(store_.readHeader(file.id, context), header)) refuse(key, "another header than was written");
    if (store_.crcFrom(file, written.framesEnd, context) != written.tailCrc) refuse(key, "another index or trailer than was written");
}

void Compactor::discard(const replica::FileId& file, const CallContext& context) {
    const auto left = store_.remove(std::span(&file, 1), context);
    if (!left.empty()) {
        throw Error(ErrorCode::Corrupt, "read back " + store_.layout().key(file) + ": damaged, and it cannot be removed: " + left.front().reason);
    }
}

void Compactor::check(const FileInfo& file) {
    readTwice([&] { checkOnce(file); });
}

void Compactor::checkOnce(const FileInfo& file) {
    const std::string key = store_.layout().key(file.id);
    const CallContext context = transferContext(2 * kCheap, cancellation_);
    const ltx::Header header = store_.readHeader(file.id, context);
    if (header.minTxid != file.id.range.min || header.maxTxid != file.id.range.max) refuse(key, "its header has another range");
    if (file.size <= kCheap) {
        ltx::verify(store_.open(file, context), codecs_);
        return;
    }
    const auto tail = store_.checkTail(file, transferContext(kMostIndexBytes * header.commit, cancellation_));
    const std::uint64_t pages = std::uint64_t{tail.pageCount} + (header.commit >= lockPage(header.pageSize) ? 1 : 0);
    if (header.isSnapshot() && pages < header.commit) refuse(key, "a snapshot without all pages");
}

}  // namespace litestream::levels
