#include "engine/PositionJournal.h"

#include "ltx/Sealed.h"
#include "util/FileIo.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace litestream::engine {

namespace {

// The file is read by this machine only, so integers are native. Header: magic, lineage, checksum of both.
// Record: the fields below, then their checksum.
constexpr std::array<char, 8> kMagic{'L', 'S', 'P', 'O', 'S', '0', '0', '1'};
constexpr std::size_t kKept = 256;
constexpr std::size_t kRewriteAfter = 4 * kKept;

struct FileHeader {
    std::array<char, 8> magic;
    std::uint64_t lineage;
    std::uint64_t checksum;
};

struct FileRecord {
    std::uint64_t txid;
    std::uint64_t fileChecksum;
    std::int64_t timestamp;
    std::uint32_t commit;
    std::uint32_t positionSize;
    std::array<std::byte, Position::kMaxBytes> position;
    std::uint64_t checksum;
};
static_assert(sizeof(FileRecord) == 104);


FileRecord toFile(const JournalRecord& record) {
    return ltx::sealed(FileRecord{record.txid.value, record.fileChecksum, record.timestamp.milliseconds, record.commit,
                                  record.position.size, record.position.bytes, 0});
}

JournalRecord fromFile(const FileRecord& in) {
    return {Txid{in.txid}, Position{in.position, in.positionSize}, in.fileChecksum, Timestamp{in.timestamp}, in.commit};
}

}  // namespace

const JournalRecord* PositionJournal::Contents::find(Txid txid) const noexcept {
    const auto found =
        std::find_if(records.rbegin(), records.rend(), [&](const auto& record) { return record.txid == txid; });
    return found == records.rend() ? nullptr : &*found;
}

PositionJournal::Contents PositionJournal::load() const {
    Contents contents;
    const auto bytes = readFileIfExists(file_);
    FileHeader header{};
    if (!bytes || bytes->size() < sizeof(header)) return contents;
    std::memcpy(&header, bytes->data(), sizeof(header));
    if (header.magic != kMagic || !ltx::isWhole(header)) return contents;
    contents.lineage = header.lineage;
    auto& records = contents.records;
    for (std::size_t at = sizeof(header); at + sizeof(FileRecord) <= bytes->size(); at += sizeof(FileRecord)) {
        FileRecord record{};
        std::memcpy(&record, bytes->data() + at, sizeof(record));
        if (!ltx::isWhole(record) || record.positionSize > Position::kMaxBytes) break;
        if (!records.empty() && record.txid < records.back().txid.value) break;
        if (!records.empty() && record.txid == records.back().txid.value) records.pop_back();
        records.push_back(fromFile(record));
    }
    return contents;
}

void PositionJournal::reset(const Contents& contents) {
    std::vector<std::byte> bytes(sizeof(FileHeader) + contents.records.size() * sizeof(FileRecord));
    const FileHeader header = ltx::sealed(FileHeader{kMagic, contents.lineage, 0});
    std::memcpy(bytes.data(), &header, sizeof(header));
    std::byte* out = bytes.data() + sizeof(header);
    for (const auto& record : contents.records) {
        const FileRecord raw = toFile(record);
        std::memcpy(out, &raw, sizeof(raw));
        out += sizeof(raw);
    }
    replaceFileDurably(file_, bytes);
    appended_ = 0;
}

void PositionJournal::append(const JournalRecord& record) {
    const FileRecord out = toFile(record);
    appendWhole(file_, std::as_bytes(std::span(&out, 1)));
    if (++appended_ < kRewriteAfter) return;
    Contents contents = load();
    if (contents.records.size() > kKept) {
        contents.records.erase(contents.records.begin(), contents.records.end() - kKept);
    }
    reset(contents);
}

void PositionJournal::flush() const {
    const auto file = openFile(file_, O_RDONLY);
    ::fsync(file.get());
}

}  // namespace litestream::engine
