#include "JournalPosition.h"

#include <bit>
#include <type_traits>

namespace litestream::journal {
namespace {

/// Stays on one machine, beside the database: native byte order.
struct Record {
    std::uint8_t kind;
    std::uint8_t version;
    std::uint8_t pageSizeLog2;
    std::uint8_t zero;
    std::uint32_t changeCounter;
    std::uint32_t pages;
    std::uint32_t zero2;
    std::int64_t changedNs;
    std::uint64_t inode;
    std::uint64_t device;
};
constexpr std::uint8_t kRecordKind = 'J';
constexpr std::uint8_t kRecordVersion = 1;
static_assert(sizeof(Record) == 40 && sizeof(Record) <= Position::kMaxBytes);
static_assert(std::is_trivially_copyable_v<Record> && std::has_unique_object_representations_v<Record>);

}  // namespace

Position JournalPosition::encode() const {
    const Record record{kRecordKind, kRecordVersion, static_cast<std::uint8_t>(std::countr_zero(pageSize)),
                        0,           stamp.changeCounter, stamp.pages,
                        0,           stamp.changedNs,     file.inode,
                        file.device};
    Position position;
    position.size = sizeof record;
    std::memcpy(position.bytes.data(), &record, sizeof record);
    return position;
}

std::optional<JournalPosition> JournalPosition::decode(const Position& position) {
    Record record{};
    if (position.size != sizeof record) return std::nullopt;
    std::memcpy(&record, position.bytes.data(), sizeof record);
    if (record.kind != kRecordKind || record.version != kRecordVersion) return std::nullopt;
    if (record.pageSizeLog2 < 9 || record.pageSizeLog2 > 16) return std::nullopt;
    return JournalPosition{{record.changeCounter, record.pages, record.changedNs},
                           1u << record.pageSizeLog2,
                           {record.device, record.inode}};
}

std::string JournalPosition::describe() const {
    return "change counter " + std::to_string(stamp.changeCounter) + ", " + std::to_string(stamp.pages) + " pages of " +
           std::to_string(pageSize) + " bytes";
}

}  // namespace litestream::journal
