#include "restore/PlannedFile.h"

#include "restore/CrcCombine.h"

#include <litestream/Error.h>

#include <array>
#include <string_view>

namespace litestream::restore {
namespace {

[[noreturn]] void refuse(const PlannedFile& file, const std::string& reason) {
    throw Error(ErrorCode::Corrupt, "read " + file.key + ": " + reason);
}

void takeHeader(PlannedFile& file, ConstBytes bytes) {
    file.header = ltx::decodeHeader(bytes);
    file.headerCrc = ltx::crc64(0, bytes);
}

void readSmall(PlannedFile& file, replica::ReplicaStore& store, const replica::FileInfo& info, MutableBytes bytes,
               const CallContext& context) {
    store.read(info.id, 0, bytes, context);
    takeHeader(file, bytes.first(ltx::kHeaderSize));
    std::uint64_t needed = 0;
    auto tail = replica::decodeTail(bytes, info.size, needed);
    if (!tail) refuse(file, "the page index does not fit into the file");
    file.tail = std::move(*tail);
    file.small = bytes;
}

void readEnds(PlannedFile& file, replica::ReplicaStore& store, const replica::FileInfo& info, const CallContext& context) {
    std::array<std::byte, ltx::kHeaderSize> bytes;
    store.read(info.id, 0, bytes, context);
    takeHeader(file, bytes);
    file.tail = store.readTail(info, context);
}

std::string rangeText(const ltx::Header& header) { return ltx::format(header.minTxid) + "-" + ltx::format(header.maxTxid); }

void checkName(const PlannedFile& file, const replica::FileInfo& info) {
    const ltx::TxidRange& range = info.id.range;
    if (file.header.minTxid == range.min && file.header.maxTxid == range.max) return;
    refuse(file, "its header says TXID " + rangeText(file.header));
}

void checkTrailer(const PlannedFile& file) {
    const bool kept = keepsDatabaseChecksums(file);
    const std::uint64_t post = file.tail.trailer.postApplyChecksum;
    if (kept ? (post & ltx::kChecksumFlag) == 0 : post != 0) refuse(file, "its post-apply checksum contradicts its flags");
}

}  // namespace

Error naming(const std::string& key, const Error& error) {
    const bool named = std::string_view(error.what()).find(key) != std::string_view::npos;
    return named ? error : error.within("read " + key);
}

PlannedFile openPlanned(replica::ReplicaStore& store, const replica::FileInfo& info, Buffer& buffer, const CallContext& context) {
    PlannedFile file;
    file.key = store.layout().key(info.id);
    try {
        if (info.size < ltx::kHeaderSize + ltx::kTrailerSize) {
            refuse(file, std::to_string(info.size) + " bytes are too few for an LTX file");
        }
        if (info.size <= kSmallFile) {
            readSmall(file, store, info, buffer.take(static_cast<std::size_t>(info.size)), context);
        } else {
            readEnds(file, store, info, context);
        }
    } catch (const Error& error) {
        throw naming(file.key, error);
    }
    checkName(file, info);
    checkTrailer(file);
    return file;
}

bool keepsDatabaseChecksums(const PlannedFile& file) noexcept { return (file.header.flags & ltx::kFlagNoChecksum) == 0; }

void verifyChecksums(const PlannedFile& file) {
    std::uint64_t crc = file.headerCrc;
    std::uint64_t pages = 0;
    for (const PartialSum& part : file.sums) {
        crc = combineCrc(crc, part.crc, part.bytes);
        pages ^= part.pages;
    }
    crc = combineCrc(crc, file.tail.crc, file.tail.crcBytes);
    if ((crc | ltx::kChecksumFlag) != file.tail.trailer.fileChecksum) refuse(file, "file checksum mismatch");

    // Of the other files the pages that they leave alone would be needed.
    if (!keepsDatabaseChecksums(file) || !file.header.isSnapshot()) return;
    if ((pages | ltx::kChecksumFlag) != file.tail.trailer.postApplyChecksum) refuse(file, "post-apply checksum mismatch");
}

void checkFirst(const PlannedFile& file) {
    if (!file.header.isSnapshot()) refuse(file, "the plan begins with TXID " + ltx::format(file.header.minTxid) + " instead of 1");
}

void checkLast(const PlannedFile& file) {
    if (file.header.commit == 0) refuse(file, "it leaves a database of no pages");
}

void checkJoin(const PlannedFile& older, const PlannedFile& newer) {
    if (newer.header.pageSize != older.header.pageSize) {
        refuse(newer, "page size " + std::to_string(newer.header.pageSize) + " follows page size " +
                          std::to_string(older.header.pageSize) + " of " + older.key);
    }
    if (newer.header.minTxid > older.header.maxTxid.next() || newer.header.maxTxid <= older.header.maxTxid) {
        refuse(newer, "non-contiguous transaction ids: it does not go on where " + older.key + " ends");
    }
}

}  // namespace litestream::restore
