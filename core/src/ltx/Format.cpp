#include "ltx/Format.h"

#include "ltx/Bytes.h"

#include <litestream/Error.h>

#include <algorithm>

#include <fmt/format.h>
#include <isa-l/crc64.h>

namespace litestream::ltx {

namespace {

constexpr std::array<std::byte, 4> kMagic{std::byte{'L'}, std::byte{'T'}, std::byte{'X'}, std::byte{'1'}};

// Offsets of the header's fields.
enum HeaderField : std::size_t {
    kFlags = 4,
    kPageSize = 8,
    kCommit = 12,
    kMinTxid = 16,
    kMaxTxid = 24,
    kTimestamp = 32,
    kPreApply = 40,
    kWalOffset = 48,
    kWalSize = 56,
    kSalt1 = 64,
    kSalt2 = 68,
    kNodeId = 72,
};

std::string violatedPreApplyRule(const Header& header) {
    const bool present = header.preApplyChecksum != 0;
    if (header.isSnapshot()) return present ? "pre-apply checksum on a snapshot" : "";
    if (header.flags & kFlagNoChecksum) return present ? "pre-apply checksum although checksums are not kept" : "";
    if (!present) return "pre-apply checksum is missing";
    if (!(header.preApplyChecksum & kChecksumFlag)) return "pre-apply checksum without its top bit";
    return {};
}

std::string violatedWalRule(const WalRange& wal) {
    if (wal.offset < 0) return fmt::format("negative WAL offset {}", wal.offset);
    if (wal.size < 0) return fmt::format("negative WAL size {}", wal.size);
    if ((wal.salt1 != 0 || wal.salt2 != 0) && wal.offset == 0) return "WAL salts without a WAL offset";
    if (wal.size != 0 && wal.offset == 0) return "WAL size without a WAL offset";
    return {};
}

}  // namespace

std::string violatedRule(const Header& header) {
    if (header.flags & ~kFlagNoChecksum) return fmt::format("unknown flags {:#010x}", header.flags);
    if (!isPageSize(header.pageSize)) return fmt::format("page size {}", header.pageSize);
    if (!header.minTxid) return "min TXID is zero";
    if (!header.maxTxid) return "max TXID is zero";
    if (header.minTxid > header.maxTxid) {
        return fmt::format("min TXID {} above max TXID {}", format(header.minTxid), format(header.maxTxid));
    }
    if (std::string rule = violatedWalRule(header.wal); !rule.empty()) return rule;
    if (std::string rule = violatedPreApplyRule(header); !rule.empty()) return rule;
    // The trailer would have to carry the empty database's checksum and must not carry any.
    if (header.commit == 0 && (header.flags & kFlagNoChecksum)) return "commit is zero although checksums are not kept";
    return {};
}

void validate(const Header& header) {
    if (const std::string rule = violatedRule(header); !rule.empty())
        throw Error(ErrorCode::Corrupt, "LTX header: " + rule);
}

std::array<std::byte, kHeaderSize> encode(const Header& header) {
    std::array<std::byte, kHeaderSize> bytes{};
    std::byte* at = bytes.data();
    std::copy(kMagic.begin(), kMagic.end(), at);
    store(at + kFlags, header.flags);
    store(at + kPageSize, header.pageSize);
    store(at + kCommit, header.commit);
    store(at + kMinTxid, header.minTxid.value);
    store(at + kMaxTxid, header.maxTxid.value);
    store(at + kTimestamp, static_cast<std::uint64_t>(header.timestamp.milliseconds));
    store(at + kPreApply, header.preApplyChecksum);
    store(at + kWalOffset, static_cast<std::uint64_t>(header.wal.offset));
    store(at + kWalSize, static_cast<std::uint64_t>(header.wal.size));
    store(at + kSalt1, header.wal.salt1);
    store(at + kSalt2, header.wal.salt2);
    store(at + kNodeId, header.nodeId);
    return bytes;
}

Header decodeHeader(ConstBytes bytes) {
    if (bytes.size() < kHeaderSize) {
        throw Error(ErrorCode::Corrupt, fmt::format("LTX header: only {} of {} bytes", bytes.size(), kHeaderSize));
    }
    if (!std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) {
        throw Error(ErrorCode::Corrupt, "LTX header: no magic number, so this is no LTX file");
    }
    const std::byte* at = bytes.data();
    Header header;
    header.flags = load<std::uint32_t>(at + kFlags);
    header.pageSize = load<std::uint32_t>(at + kPageSize);
    header.commit = load<std::uint32_t>(at + kCommit);
    header.minTxid = Txid{load<std::uint64_t>(at + kMinTxid)};
    header.maxTxid = Txid{load<std::uint64_t>(at + kMaxTxid)};
    header.timestamp = Timestamp{static_cast<std::int64_t>(load<std::uint64_t>(at + kTimestamp))};
    header.preApplyChecksum = load<std::uint64_t>(at + kPreApply);
    header.wal.offset = static_cast<std::int64_t>(load<std::uint64_t>(at + kWalOffset));
    header.wal.size = static_cast<std::int64_t>(load<std::uint64_t>(at + kWalSize));
    header.wal.salt1 = load<std::uint32_t>(at + kSalt1);
    header.wal.salt2 = load<std::uint32_t>(at + kSalt2);
    header.nodeId = load<std::uint64_t>(at + kNodeId);
    validate(header);
    return header;
}

// ISA-L inverts before and after, so its values chain as this contract wants.
std::uint64_t crc64(std::uint64_t crc, ConstBytes bytes) noexcept {
    return crc64_iso_refl(crc, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::uint64_t pageChecksum(PageNumber number, ConstBytes content) noexcept {
    std::byte prefix[sizeof(number)];
    store(prefix, number);
    return kChecksumFlag | crc64(crc64(0, prefix), content);
}

std::uint64_t addToDigest(std::uint64_t digest, std::span<const std::uint64_t> sums) noexcept {
    for (const std::uint64_t sum : sums) digest ^= sum;
    return digest | kChecksumFlag;
}

}  // namespace litestream::ltx
