#pragma once

#include "ltx/Decoder.h"
#include "replica/Layout.h"

#include <litestream/Error.h>
#include <litestream/Transport.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace litestream::replica {

/// A file of a replica as a listing tells.
struct FileInfo {
    FileId id;
    std::uint64_t size = 0;
    Timestamp timestamp;
};

/// What stands behind the last page frame of a file, decoded.
struct Tail {
    std::vector<ltx::IndexEntry> index;
    ltx::Trailer trailer;
    std::uint64_t framesEnd = 0;  ///< where the end marker begins, from the start of the file
    /// Of the part that the file checksum covers: `crcBytes` bytes from the end marker to the post-apply checksum.
    std::uint64_t crc = 0;
    std::uint64_t crcBytes = 0;
};

/// The same without the entries, whatever their number.
struct TailSummary {
    std::uint32_t pageCount = 0;
    ltx::Trailer trailer;
};

/// `tail` are the last bytes of a file that is `fileSize` long. Nothing when they are too few: `needed` then says how many it takes.
/// Throws Error(Corrupt) when they are no tail.
std::optional<Tail> decodeTail(ConstBytes tail, std::uint64_t fileSize, std::uint64_t& needed);

/// The LTX files of one replica: a Transport seen through a Layout. Calls block. Retries are the business of the transport: whoever
/// wants them gives a composed one (transport/Compose.h). All methods may be called concurrently.
class ReplicaStore {
public:
    explicit ReplicaStore(std::unique_ptr<Transport> transport);

    const TransportCapabilities& capabilities() const noexcept { return transport_->capabilities(); }
    Transport& transport() noexcept { return *transport_; }
    const Layout& layout() const noexcept { return layout_; }

    /// Files of a level by (min, max). A level that does not exist is empty.
    std::vector<FileInfo> list(Level level, const CallContext& context);
    /// All ten levels, by level, then (min, max).
    std::vector<FileInfo> listAll(const CallContext& context);
    /// The same with a limit for each request: a replica may hold any number of files, and a store that answers is not to be given up.
    std::vector<FileInfo> listAll(std::chrono::nanoseconds perRequest, const CancellationToken& cancellation);

    /// Reads exactly into.size() bytes from `offset`; an object that ends before is Error(Corrupt).
    void read(const FileId& file, std::uint64_t offset, MutableBytes into, const CallContext& context);

    /// Errors of the next seven name the file's key.
    ltx::Header readHeader(const FileId& file, const CallContext& context);
    ltx::Trailer readTrailer(const FileInfo& file, const CallContext& context);
    Tail readTail(const FileInfo& file, const CallContext& context);
    static constexpr std::size_t kTailPieceBytes = 4u << 20;
    /// Reads and checks the same as readTail(), in requests of at most `pieceBytes` and with little more memory.
    TailSummary checkTail(const FileInfo& file, const CallContext& context, std::size_t pieceBytes = kTailPieceBytes);
    /// CRC-64 of the bytes from `offset` to the end of the file, read in the same way.
    std::uint64_t crcFrom(const FileInfo& file, std::uint64_t offset, const CallContext& context);
    std::vector<ltx::IndexEntry> readIndex(const FileInfo& file, const CallContext& context);
    static constexpr std::size_t kPieceBytes = 1u << 20;
    /// The whole file in requests of at most `pieceBytes`, for a Decoder. `context` must outlive the source.
    ltx::ByteSource open(const FileInfo& file, const CallContext& context, std::size_t pieceBytes = kPieceBytes);

    std::uint64_t put(const FileId& file, Body& body, const PutOptions& options, const CallContext& context);

    struct Unremoved {
        FileId file;
        std::string reason;
    };
    /// Removes files, any number; one that is already gone counts as removed. Returns those that could not be removed; throws only when
    /// nothing was tried.
    std::vector<Unremoved> remove(std::span<const FileId> files, const CallContext& context);

private:
    using Piece = std::function<void(ConstBytes)>;
    void readPieces(const FileInfo& file, std::uint64_t offset, std::uint64_t end, std::size_t pieceBytes, const CallContext& context,
                    const Piece& visit);
    using ContextMaker = std::function<CallContext()>;
    std::vector<FileInfo> listEachLevel(const ContextMaker& perRequest);
    std::vector<ObjectInfo> listKeys(std::string_view prefix, const ContextMaker& perRequest);

    std::unique_ptr<Transport> transport_;
    Layout layout_;
};

}  // namespace litestream::replica
