#include "WalPosition.h"

#include <bit>
#include <cstdio>
#include <type_traits>

namespace litestream::sqlite {
namespace {

/// Stays on one machine, beside the database: native byte order.
struct Record {
    std::uint8_t version;
    std::uint8_t pageSizeLog2;
    std::uint16_t zero;
    std::uint32_t salt1;
    std::uint32_t salt2;
    std::uint32_t frame;
    std::uint32_t ck1;
    std::uint32_t ck2;
    std::uint32_t commit;
    std::uint32_t zero2;
    std::uint64_t inode;
    std::uint64_t device;
};
constexpr std::uint8_t kRecordVersion = 1;
static_assert(sizeof(Record) == 48 && sizeof(Record) <= Position::kMaxBytes);
static_assert(std::is_trivially_copyable_v<Record> && std::has_unique_object_representations_v<Record>);

}  // namespace

Position WalPosition::encode() const {
    const Record record{kRecordVersion,
                        static_cast<std::uint8_t>(std::countr_zero(pageSize)),
                        0,
                        salts.salt1,
                        salts.salt2,
                        frame,
                        checksum.s0,
                        checksum.s1,
                        commit,
                        0,
                        file.inode,
                        file.device};
    Position position;
    std::memcpy(position.bytes.data(), &record, sizeof record);
    position.size = sizeof record;
    return position;
}

std::optional<WalPosition> WalPosition::decode(const Position& position) {
    Record record;
    if (position.size != sizeof record) return std::nullopt;
    std::memcpy(&record, position.bytes.data(), sizeof record);
    if (record.version != kRecordVersion || record.pageSizeLog2 < 9 || record.pageSizeLog2 > 16) return std::nullopt;
    WalPosition result;
    result.salts = {record.salt1, record.salt2};
    result.frame = record.frame;
    result.checksum = {record.ck1, record.ck2};
    result.commit = record.commit;
    result.pageSize = std::uint32_t{1} << record.pageSizeLog2;
    result.file = {record.device, record.inode};
    return result;
}

std::string WalPosition::describe() const {
    char text[96];
    std::snprintf(text, sizeof text, "generation %08x-%08x frame %u, %u pages of %u bytes", salts.salt1, salts.salt2,
                  frame, commit, pageSize);
    return text;
}

}  // namespace litestream::sqlite
