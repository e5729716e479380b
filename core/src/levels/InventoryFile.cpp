#include "levels/InventoryFile.h"

#include "ltx/Sealed.h"
#include "util/Boot.h"
#include "util/FileIo.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace litestream::levels {

namespace {

constexpr std::array<char, 8> kMagic{'L', 'S', 'I', 'N', 'V', '0', '0', '1'};
constexpr std::string_view kPrefix = "inventory-";
constexpr std::size_t kHashDigits = 16;

struct FileHeader {
    std::array<char, 8> magic;
    std::uint64_t boot;  // in which it was written whole
    std::uint64_t checksum;
};

enum class Kind : std::uint32_t { Held = 1, Gone, Leaving, Begun, Digest, Proven, Closed };

constexpr std::uint32_t kVerified = 1;
constexpr std::uint32_t kHasChecksum = 2;
constexpr std::uint32_t kHasDigest = 4;
constexpr std::uint32_t kLeaving = 8;

}  // namespace

struct InventoryFile::Record {
    Kind kind{};
    std::uint32_t level = 0;
    std::uint32_t flags = 0;
    std::uint32_t reserved = 0;
    std::uint64_t min = 0;
    std::uint64_t max = 0;
    std::uint64_t size = 0;
    std::int64_t timestamp = 0;
    std::int64_t content = 0;
    std::int64_t stored = 0;
    std::int64_t seen = 0;
    std::uint64_t fileChecksum = 0;
    std::uint64_t digest = 0;
    std::uint64_t checksum = 0;

    static Record of(Kind kind, const replica::FileId& file) {
        Record record;
        record.kind = kind;
        record.level = file.level.value;
        record.min = file.range.min.value;
        record.max = file.range.max.value;
        return record;
    }
    replica::FileId id() const { return {replica::Level{level}, {Txid{min}, Txid{max}}}; }
};

InventoryFile::Record InventoryFile::recordOf(const RecordedFile& file) {
    Record record = Record::of(Kind::Held, file.info.id);
    record.flags = (file.verified ? kVerified : 0) | (file.leaving ? kLeaving : 0) | (file.evidence.fileChecksum ? kHasChecksum : 0) |
                   (file.evidence.digest ? kHasDigest : 0);
    record.size = file.info.size;
    record.timestamp = file.info.timestamp.milliseconds;
    record.content = file.content.milliseconds;
    record.stored = file.stored.milliseconds;
    record.seen = file.seen.milliseconds;
    record.fileChecksum = file.evidence.fileChecksum.value_or(0);
    record.digest = file.evidence.digest.value_or(0);
    return record;
}

void InventoryFile::apply(const Record& record, Contents& contents) {
    const auto found = contents.files.find(record.id());
    const auto known = [&](std::uint32_t flag, std::uint64_t value) {
        return (record.flags & flag) != 0 ? std::optional(value) : std::nullopt;
    };
    contents.complete = record.kind == Kind::Closed;
    switch (record.kind) {
        case Kind::Held:
            contents.begun.erase(record.id());
            contents.files[record.id()] = {{record.id(), record.size, {record.timestamp}}, {record.content}, {record.stored}, {record.seen},
                                           (record.flags & kVerified) != 0, (record.flags & kLeaving) != 0,
                                           {known(kHasChecksum, record.fileChecksum), known(kHasDigest, record.digest)}};
            break;
        case Kind::Gone:
            contents.begun.erase(record.id());
            contents.files.erase(record.id());
            break;
        case Kind::Leaving:
            if (found != contents.files.end()) found->second.leaving = true;
            break;
        case Kind::Begun: contents.begun.insert(record.id()); break;
        case Kind::Digest:
            for (auto& [id, file] : contents.files) {
                if (id.range.max.value == record.max) file.evidence.digest = known(kHasDigest, record.digest);
            }
            break;
        case Kind::Proven: contents.proven = {Txid{record.max}, {record.timestamp}}; break;
        case Kind::Closed: break;
    }
}

InventoryFile::Contents InventoryFile::load() const {
    Contents contents;
    if (!enabled()) return contents;
    const auto bytes = readFileIfExists(file_);
    FileHeader header{};
    if (!bytes || bytes->size() < sizeof(header)) return contents;
    std::memcpy(&header, bytes->data(), sizeof(header));
    if (header.magic != kMagic || !ltx::isWhole(header)) return contents;
    contents.exists = true;
    for (std::size_t at = sizeof(header); at + sizeof(Record) <= bytes->size(); at += sizeof(Record)) {
        Record record;
        std::memcpy(&record, bytes->data() + at, sizeof(record));
        if (!ltx::isWhole(record) || record.level > replica::kSnapshotLevel.value) break;
        apply(record, contents);
    }
    if (header.boot == bootIdentity()) contents.complete = true;
    return contents;
}

void InventoryFile::reset(const Contents& contents) {
    if (!enabled()) return;
    std::vector<Record> records;
    records.reserve(contents.files.size() + contents.begun.size() + 1);
    for (const auto& [id, file] : contents.files) records.push_back(recordOf(file));
    for (const auto& id : contents.begun) records.push_back(Record::of(Kind::Begun, id));
    if (contents.proven.txid) {
        Record record = Record::of(Kind::Proven, {{}, {{}, contents.proven.txid}});
        record.timestamp = contents.proven.when.milliseconds;
        records.push_back(record);
    }
    for (auto& record : records) record = ltx::sealed(record);
    std::vector<std::byte> bytes(sizeof(FileHeader) + records.size() * sizeof(Record));
    const FileHeader header = ltx::sealed(FileHeader{kMagic, bootIdentity(), 0});
    std::memcpy(bytes.data(), &header, sizeof(header));
    if (!records.empty()) std::memcpy(bytes.data() + sizeof(header), records.data(), records.size() * sizeof(Record));
    replaceFile(file_, bytes);
    appended_ = 0;
}

void InventoryFile::append(std::span<const Record> records) {
    if (!enabled() || records.empty()) return;
    std::vector<Record> sealed(records.begin(), records.end());
    for (auto& record : sealed) record = ltx::sealed(record);
    appendWhole(file_, std::as_bytes(std::span(sealed)));
    appended_ += sealed.size();
}

void InventoryFile::held(const RecordedFile& file) { append(std::array{recordOf(file)}); }

void InventoryFile::gone(const replica::FileId& file) { append(std::array{Record::of(Kind::Gone, file)}); }

void InventoryFile::leaving(std::span<const replica::FileId> files) {
    std::vector<Record> records;
    for (const auto& file : files) records.push_back(Record::of(Kind::Leaving, file));
    append(records);
}

void InventoryFile::begun(const replica::FileId& file) { append(std::array{Record::of(Kind::Begun, file)}); }

void InventoryFile::expect(Txid txid, std::optional<std::uint64_t> digest) {
    Record record = Record::of(Kind::Digest, {{}, {{}, txid}});
    record.flags = digest ? kHasDigest : 0;
    record.digest = digest.value_or(0);
    append(std::array{record});
}

void InventoryFile::proven(const Proven& proven) {
    Record record = Record::of(Kind::Proven, {{}, {{}, proven.txid}});
    record.timestamp = proven.when.milliseconds;
    append(std::array{record});
}

void InventoryFile::close() {
    if (!enabled()) return;
    append(std::array{Record::of(Kind::Closed, {})});
    const auto file = openFile(file_, O_RDONLY);
    if (::fsync(file.get()) != 0) throw systemError("sync " + file_.string(), errno);
}

void InventoryFile::remove() noexcept {
    if (enabled()) ::unlink(file_.c_str());
    appended_ = 0;
}

std::string inventoryFileName(std::string_view transport, const std::vector<std::pair<std::string, std::string>>& place) {
    std::string text(transport);
    for (const auto& [name, value] : place) text += '\n' + name + '=' + value;
    // Sixteen digits: what a TXID looks like.
    return std::string(kPrefix) + ltx::format(Txid{ltx::crc64(0, std::as_bytes(std::span(text)))});
}

bool isInventoryFileName(std::string_view name) {
    if (!name.starts_with(kPrefix)) return false;
    const auto rest = name.substr(kPrefix.size());
    return ltx::parseTxid(rest.substr(0, kHashDigits)) && (rest.size() == kHashDigits || rest.substr(kHashDigits) == ".tmp");
}

}  // namespace litestream::levels
