#include "replica/ReplicaStore.h"

#include "ltx/Bytes.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>

namespace litestream::replica {
namespace {

constexpr std::size_t kListPage = 1000;
constexpr std::size_t kTailGuess = 32u << 10;
constexpr std::uint64_t kSmallestFile = ltx::kHeaderSize + ltx::kTrailerSize;

ltx::Trailer decodeTrailer(ConstBytes bytes) noexcept {
    return {ltx::load<std::uint64_t>(bytes.data()), ltx::load<std::uint64_t>(bytes.data() + sizeof(std::uint64_t))};
}

void refuseTooShort(const std::string& key, std::uint64_t size) {
    if (size >= kSmallestFile) return;
    throw Error(ErrorCode::Corrupt, "read " + key + ": " + std::to_string(size) + " bytes are no LTX file, the smallest one has " +
                                        std::to_string(kSmallestFile));
}

void refuseOtherMarker(ConstBytes marker) {
    if (std::all_of(marker.begin(), marker.end(), [](std::byte byte) { return byte == std::byte{0}; })) return;
    throw Error(ErrorCode::Corrupt, "no end marker behind the last page frame");
}

/// A page index that comes in pieces.
class TailCheck {
public:
    TailCheck(std::uint64_t framesEnd, std::uint64_t indexSize)
        : reader_(framesEnd), left_(ltx::kPageHeaderSize + indexSize) {}

    void take(ConstBytes piece) {
        left_ -= piece.size();
        rest_.insert(rest_.end(), piece.begin(), piece.end());
        ConstBytes bytes = rest_;
        if (!begun_) {
            if (bytes.size() < ltx::kPageHeaderSize) return;
            refuseOtherMarker(bytes.first(ltx::kPageHeaderSize));
            bytes = bytes.subspan(ltx::kPageHeaderSize);
            begun_ = true;
        }
        while (!ended_) {
            const auto entry = reader_.take(bytes);
            if (!entry) break;
            ended_ = entry->page == 0;
        }
        const bool stuck = bytes.size() > kLongestEntry || left_ == 0;
        if (ended_ ? !bytes.empty() || left_ > 0 : stuck) throw Error(ErrorCode::Corrupt, "the page index does not end where it should");
        rest_.erase(rest_.begin(), rest_.end() - static_cast<std::ptrdiff_t>(bytes.size()));
    }
    std::uint32_t pageCount() const noexcept { return reader_.pageCount(); }

private:
    static constexpr std::size_t kLongestEntry = 3 * ltx::kMaxVarint;
    ltx::IndexReader reader_;
    std::uint64_t left_;
    std::vector<std::byte> rest_;
    bool begun_ = false;
    bool ended_ = false;
};

void sortByRange(std::vector<FileInfo>& files) {
    std::sort(files.begin(), files.end(), [](const FileInfo& a, const FileInfo& b) { return a.id < b.id; });
}

/// Hands out a file in requests of one piece, however small the caller's bites are.
class PieceReader {
public:
    PieceReader(ReplicaStore& store, const FileInfo& file, const CallContext& context, std::size_t pieceBytes)
        : store_(store), file_(file), context_(context), pieceBytes_(pieceBytes) {}

    std::size_t operator()(MutableBytes into) {
        if (begin_ == end_ && !next()) return 0;
        const std::size_t count = std::min(into.size(), end_ - begin_);
        std::memcpy(into.data(), piece_.data() + begin_, count);
        begin_ += count;
        return count;
    }

private:
    bool next() {
        const std::uint64_t left = file_.size - offset_;
        if (left == 0) return false;
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left, pieceBytes_));
        piece_.resize(std::max(piece_.size(), count));
        store_.read(file_.id, offset_, MutableBytes(piece_).first(count), context_);
        offset_ += count;
        begin_ = 0;
        end_ = count;
        return true;
    }

    ReplicaStore& store_;
    FileInfo file_;
    const CallContext& context_;
    std::size_t pieceBytes_;
    std::uint64_t offset_ = 0;
    std::vector<std::byte> piece_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace

std::optional<Tail> decodeTail(ConstBytes tail, std::uint64_t fileSize, std::uint64_t& needed) {
    auto index = ltx::decodeIndex(tail, fileSize, needed);
    if (!index) return std::nullopt;

    const std::uint64_t framesEnd = index->empty() ? std::uint64_t{ltx::kHeaderSize} : index->back().offset + index->back().size;
    needed = fileSize - framesEnd;
    if (needed > tail.size()) return std::nullopt;
    const ConstBytes behind = tail.last(static_cast<std::size_t>(needed));
    refuseOtherMarker(behind.first(ltx::kPageHeaderSize));
    const ConstBytes covered = behind.first(behind.size() - sizeof(std::uint64_t));
    return Tail{std::move(*index), decodeTrailer(tail.last(ltx::kTrailerSize)), framesEnd, ltx::crc64(0, covered), covered.size()};
}

ReplicaStore::ReplicaStore(std::unique_ptr<Transport> transport)
    : transport_(std::move(transport)), layout_(transport_->capabilities().layout) {}

std::vector<ObjectInfo> ReplicaStore::listKeys(std::string_view prefix, const ContextMaker& perRequest) {
    std::vector<ObjectInfo> all;
    std::string startAfter;
    for (;;) {
        std::vector<ObjectInfo> page = transport_->list(prefix, startAfter, kListPage, perRequest());
        const bool last = page.size() < kListPage;
        if (!last) {
            if (page.back().key <= startAfter) {
                throw Error(ErrorCode::Corrupt, "list " + std::string(prefix) + ": the listing does not go on behind " + startAfter);
            }
            startAfter = page.back().key;
        }
        std::move(page.begin(), page.end(), std::back_inserter(all));
        if (last) return all;
    }
}

std::vector<FileInfo> ReplicaStore::list(Level level, const CallContext& context) {
    std::vector<FileInfo> files;
    for (const ObjectInfo& object : listKeys(layout_.prefix(level), [&] { return context; })) {
        if (const auto id = layout_.parse(level, object.key)) files.push_back({*id, object.size, object.timestamp});
    }
    sortByRange(files);
    return files;
}

std::vector<FileInfo> ReplicaStore::listAll(const CallContext& context) {
    return listEachLevel([&] { return context; });
}

std::vector<FileInfo> ReplicaStore::listAll(std::chrono::nanoseconds perRequest, const CancellationToken& cancellation) {
    return listEachLevel([&] { return CallContext::within(perRequest, cancellation); });
}

std::vector<FileInfo> ReplicaStore::listEachLevel(const ContextMaker& perRequest) {
    std::vector<FileInfo> files;
    // One listing instead of ten: levels are neighbours, and on a remote store the round trips are what takes time.
    for (const ObjectInfo& object : listKeys(layout_.prefix(), perRequest)) {
        if (const auto id = layout_.parse(object.key)) files.push_back({*id, object.size, object.timestamp});
    }
    sortByRange(files);
    return files;
}

void ReplicaStore::read(const FileId& file, std::uint64_t offset, MutableBytes into, const CallContext& context) {
    const std::string key = layout_.key(file);
    const std::size_t count = transport_->get(key, offset, into, context);
    if (count == into.size()) return;
    throw Error(ErrorCode::Corrupt, "read " + key + ": the object ends at byte " + std::to_string(offset + count) + ", expected " +
                                        std::to_string(offset + into.size()) + " bytes at least");
}

ltx::Header ReplicaStore::readHeader(const FileId& file, const CallContext& context) {
    std::array<std::byte, ltx::kHeaderSize> bytes;
    read(file, 0, bytes, context);
    try {
        return ltx::decodeHeader(bytes);
    } catch (const Error& error) {
        throw error.within("read " + layout_.key(file));
    }
}

ltx::Trailer ReplicaStore::readTrailer(const FileInfo& file, const CallContext& context) {
    refuseTooShort(layout_.key(file.id), file.size);
    std::array<std::byte, ltx::kTrailerSize> bytes;
    read(file.id, file.size - bytes.size(), bytes, context);
    return decodeTrailer(bytes);
}

Tail ReplicaStore::readTail(const FileInfo& file, const CallContext& context) {
    const std::string key = layout_.key(file.id);
    refuseTooShort(key, file.size);
    std::vector<std::byte> bytes;
    std::uint64_t wanted = std::min<std::uint64_t>(file.size, kTailGuess);
    for (;;) {
        bytes.resize(static_cast<std::size_t>(wanted));
        read(file.id, file.size - wanted, bytes, context);
        std::uint64_t needed = 0;
        try {
            if (auto tail = decodeTail(bytes, file.size, needed)) return std::move(*tail);
        } catch (const Error& error) {
            throw error.within("read " + key);
        }
        if (needed <= wanted || needed > file.size) {
            throw Error(ErrorCode::Corrupt, "read " + key + ": the page index does not fit into the file");
        }
        wanted = needed;
    }
}

void ReplicaStore::readPieces(const FileInfo& file, std::uint64_t offset, std::uint64_t end, std::size_t pieceBytes, const CallContext& context,
                              const Piece& visit) {
    std::vector<std::byte> piece(static_cast<std::size_t>(std::min<std::uint64_t>(pieceBytes, end - offset)));
    while (offset < end) {
        const auto part = MutableBytes(piece).first(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), end - offset)));
        read(file.id, offset, part, context);
        visit(part);
        offset += part.size();
    }
}

TailSummary ReplicaStore::checkTail(const FileInfo& file, const CallContext& context, std::size_t pieceBytes) {
    const std::string key = layout_.key(file.id);
    refuseTooShort(key, file.size);
    std::array<std::byte, ltx::kFooterSize> footer;
    read(file.id, file.size - footer.size(), footer, context);
    const auto checked = [&key](const auto& action) {
        try {
            return action();
        } catch (const Error& error) {
            throw error.within("read " + key);
        }
    };
    const std::uint64_t indexSize = checked([&] { return ltx::indexSize(footer, file.size); });
    const std::uint64_t indexEnd = file.size - footer.size();
    const std::uint64_t framesEnd = indexEnd - indexSize - ltx::kPageHeaderSize;
    TailCheck check(framesEnd, indexSize);
    readPieces(file, framesEnd, indexEnd, pieceBytes, context, [&](ConstBytes piece) { checked([&] { check.take(piece); }); });
    return {check.pageCount(), decodeTrailer(ConstBytes(footer).last(ltx::kTrailerSize))};
}

std::uint64_t ReplicaStore::crcFrom(const FileInfo& file, std::uint64_t offset, const CallContext& context) {
    refuseTooShort(layout_.key(file.id), file.size);
    std::uint64_t crc = 0;
    readPieces(file, std::min(offset, file.size), file.size, kTailPieceBytes, context, [&](ConstBytes piece) { crc = ltx::crc64(crc, piece); });
    return crc;
}

std::vector<ltx::IndexEntry> ReplicaStore::readIndex(const FileInfo& file, const CallContext& context) {
    return readTail(file, context).index;
}

ltx::ByteSource ReplicaStore::open(const FileInfo& file, const CallContext& context, std::size_t pieceBytes) {
    // Shared because std::function copies what it holds; there is one reader all the same.
    auto reader = std::make_shared<PieceReader>(*this, file, context, pieceBytes);
    return [reader](MutableBytes into) { return (*reader)(into); };
}

std::uint64_t ReplicaStore::put(const FileId& file, Body& body, const PutOptions& options, const CallContext& context) {
    return transport_->put(layout_.key(file), body, options, context);
}

std::vector<ReplicaStore::Unremoved> ReplicaStore::remove(std::span<const FileId> files, const CallContext& context) {
    constexpr std::size_t kBatch = 1000;
    std::vector<Unremoved> left;
    for (std::size_t at = 0; at < files.size(); at += kBatch) {
        const auto batch = files.subspan(at, std::min(kBatch, files.size() - at));
        std::vector<std::string> keys;
        std::transform(batch.begin(), batch.end(), std::back_inserter(keys), [&](const FileId& file) { return layout_.key(file); });
        try {
            for (const RemoveFailure& failure : transport_->remove(keys, context)) {
                if (const auto file = layout_.parse(failure.key)) left.push_back({*file, failure.reason});
            }
        } catch (const Error& error) {
            if (at == 0) throw;
            for (const FileId& file : files.subspan(at)) left.push_back({file, error.what()});
            return left;
        }
    }
    return left;
}

}  // namespace litestream::replica
