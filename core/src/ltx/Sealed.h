#pragma once

#include "ltx/Format.h"

#include <cstddef>
#include <span>
#include <type_traits>

/// Records of this machine's own files: plain structs without padding, integers native, whose last member `checksum` is the CRC of everything before it.
namespace litestream::ltx {

template <class Record>
std::uint64_t checksumOf(const Record& record) {
    static_assert(std::has_unique_object_representations_v<Record>);
    static_assert(offsetof(Record, checksum) + sizeof(record.checksum) == sizeof(Record));
    return crc64(0, std::as_bytes(std::span(&record, 1)).first(offsetof(Record, checksum)));
}

/// The record with its checksum.
template <class Record>
Record sealed(Record record) {
    record.checksum = checksumOf(record);
    return record;
}

/// False for one that was written half, or changed since.
template <class Record>
bool isWhole(const Record& record) {
    return record.checksum == checksumOf(record);
}

}  // namespace litestream::ltx
