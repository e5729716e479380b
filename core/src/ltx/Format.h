#pragma once

#include <litestream/Types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// LTX, the file format of a replica, as Litestream 0.5.16 and later write it (docs/formats/ltx.md).
/// All integers are big-endian.
namespace litestream::ltx {

inline constexpr std::size_t kHeaderSize = 100;
inline constexpr std::size_t kPageHeaderSize = 6;
inline constexpr std::size_t kTrailerSize = 16;
/// A file without pages: end mark, an index of one byte and its length come in between.
inline constexpr std::size_t kPagelessSize = kHeaderSize + kPageHeaderSize + 1 + 8 + kTrailerSize;
inline constexpr std::uint32_t kFlagNoChecksum = 1u << 1;
inline constexpr std::uint64_t kChecksumFlag = 1ull << 63;

/// The range of a SQLite WAL that a file came from. Readers of this project ignore it (docs/decisions/0006).
struct WalRange {
    std::int64_t offset = 0;  ///< bytes; 32 = behind the WAL's header, 0 = no WAL
    std::int64_t size = 0;    ///< bytes, a whole number of frames
    std::uint32_t salt1 = 0;
    std::uint32_t salt2 = 0;
};

struct Header {
    std::uint32_t flags = kFlagNoChecksum;
    std::uint32_t pageSize = 0;
    std::uint32_t commit = 0;  ///< database size in pages after applying the file
    Txid minTxid;
    Txid maxTxid;
    Timestamp timestamp;
    std::uint64_t preApplyChecksum = 0;
    WalRange wal;
    std::uint64_t nodeId = 0;  ///< our lineage; 0 in everything that upstream writes

    bool isSnapshot() const noexcept { return minTxid.value == 1; }
};

struct Trailer {
    std::uint64_t postApplyChecksum = 0;
    std::uint64_t fileChecksum = 0;
};

/// The header rule that `header` breaks, or nothing.
std::string violatedRule(const Header& header);
/// Checks every header rule of the format. Throws Error(Corrupt) naming the rule.
void validate(const Header& header);
std::array<std::byte, kHeaderSize> encode(const Header& header);
/// Throws Error(Corrupt) for anything but a valid header.
Header decodeHeader(ConstBytes bytes);

/// One entry of the page index: where a page's frame lies in its file.
struct IndexEntry {
    PageNumber page = 0;
    std::uint64_t offset = 0;  ///< of the frame's page header, from the start of the file
    std::uint64_t size = 0;    ///< page header, size field and packed bytes
};

/// Walks over the entries of a page index, however it is at hand, and checks them. Throws Error(Corrupt) when they are none: not ascending, frames that
/// overlap or do not fill the file.
class IndexReader {
public:
    /// Page frames end at `framesEnd`, counted from the start of the file.
    explicit IndexReader(std::uint64_t framesEnd) noexcept : framesEnd_(framesEnd) {}

    /// Takes one entry from the front of `bytes`; nothing when they end inside it. The closing zero is an entry of page 0.
    std::optional<IndexEntry> take(ConstBytes& bytes);
    std::uint32_t pageCount() const noexcept { return pageCount_; }

private:
    std::uint64_t framesEnd_;
    std::uint64_t offset_ = kHeaderSize;
    PageNumber last_ = 0;
    std::uint32_t pageCount_ = 0;
};

/// What stands behind the entries of a page index: its size and the trailer.
inline constexpr std::size_t kFooterSize = sizeof(std::uint64_t) + kTrailerSize;
/// Bytes of the page index, its closing zero included, from a file's last kFooterSize bytes. Throws Error(Corrupt) when a file of `fileSize` bytes has
/// no room for it.
std::uint64_t indexSize(ConstBytes footer, std::uint64_t fileSize);

/// Reads the page index from the end of a file: `tail` are its last bytes, `fileSize` its length.
/// Returns nothing when the index begins before `tail`; `needed` then says how many bytes from the end it takes.
/// Throws Error(Corrupt) when the bytes are no index: not ascending, frames that overlap or do not fill the file.
std::optional<std::vector<IndexEntry>> decodeIndex(ConstBytes tail, std::uint64_t fileSize, std::uint64_t& needed);

/// "0000000000000001"
std::string format(Txid txid);
/// Exactly sixteen hexadecimal digits (lower case), else nothing.
std::optional<Txid> parseTxid(std::string_view text);

/// A file's TXID range, by name and by header.
struct TxidRange {
    Txid min;
    Txid max;
    auto operator<=>(const TxidRange&) const = default;
};

/// "0000000000000001-0000000000000005.ltx" and back; nothing when the text is not such a name.
std::string fileName(const TxidRange& range);
std::optional<TxidRange> parseFileName(std::string_view name);

/// CRC-64/GO-ISO, continued: `crc` is the value after the bytes before, 0 at the start.
std::uint64_t crc64(std::uint64_t crc, ConstBytes bytes) noexcept;
/// LTX's page checksum: number and content, with bit 63 set.
std::uint64_t pageChecksum(PageNumber number, ConstBytes content) noexcept;

/// LTX's database checksum of no pages at all.
inline constexpr std::uint64_t kEmptyDigest = kChecksumFlag;
/// Adds page checksums to a database checksum; 0, which no page has, changes nothing. Taking one out is adding it again.
constexpr std::uint64_t addToDigest(std::uint64_t digest, std::uint64_t sum) noexcept { return (digest ^ sum) | kChecksumFlag; }
std::uint64_t addToDigest(std::uint64_t digest, std::span<const std::uint64_t> sums) noexcept;

}  // namespace litestream::ltx
