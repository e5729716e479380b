#include "engine/PageSums.h"

#include "engine/LocalState.h"
#include "ltx/Format.h"
#include "util/FileIo.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace litestream::engine {

namespace {

constexpr std::array<char, 8> kMagic{'L', 'S', 'S', 'U', 'M', '0', '0', '1'};

struct FileHeader {
    std::array<char, 8> magic = kMagic;
    std::uint64_t txid = 0;
    std::uint64_t pending = 0;
    std::uint64_t boot = 0;  // of the boot in which it was written; 0 = fsynced
    std::uint32_t commit = 0;
    std::uint32_t reserved = 0;
    std::uint64_t checksum = 0;
};

std::uint64_t checksumOf(const FileHeader& header) {
    return ltx::crc64(0, std::as_bytes(std::span(&header, 1)).first(offsetof(FileHeader, checksum)));
}

std::uint64_t bootIdentity() {
    static const std::uint64_t kIdentity = [] {
        std::array<std::byte, 64> text{};
        const FileDescriptor file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
        const ssize_t length = file ? ::read(file.get(), text.data(), text.size()) : 0;
        const auto bytes = std::span(text).first(length > 0 ? static_cast<std::size_t>(length) : 0);
        return ltx::crc64(0, bytes) | 1;
    }();
    return kIdentity;
}

off_t entryOffset(PageNumber page) {
    return static_cast<off_t>(sizeof(FileHeader) + (static_cast<std::uint64_t>(page) - 1) * sizeof(std::uint64_t));
}

void writeAt(const FileDescriptor& file, const void* data, std::size_t size, off_t offset,
             const std::filesystem::path& path) {
    const auto* bytes = static_cast<const std::byte*>(data);
    while (size > 0) {
        const ssize_t put = ::pwrite(file.get(), bytes, size, offset);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) throw systemError("write " + path.string(), errno);
        bytes += put;
        offset += put;
        size -= static_cast<std::size_t>(put);
    }
}

void writeHeader(const FileDescriptor& file, FileHeader header, const std::filesystem::path& path) {
    header.checksum = checksumOf(header);
    writeAt(file, &header, sizeof(header), 0, path);
}

std::size_t readAt(const FileDescriptor& file, void* data, std::size_t size, off_t offset,
                   const std::filesystem::path& path) {
    const ssize_t got = ::pread(file.get(), data, size, offset);
    if (got < 0) throw systemError("read " + path.string(), errno);
    return static_cast<std::size_t>(got);
}

/// Writes scattered entries, neighbours together.
void writeEntries(const FileDescriptor& file, std::vector<PageSum> sums, const std::filesystem::path& path) {
    std::sort(sums.begin(), sums.end(), [](const auto& a, const auto& b) { return a.page < b.page; });
    std::vector<std::uint64_t> run;
    for (std::size_t i = 0; i < sums.size();) {
        const PageNumber first = sums[i].page;
        run.clear();
        while (i < sums.size() && sums[i].page == first + run.size()) run.push_back(sums[i++].sum);
        writeAt(file, run.data(), run.size() * sizeof(std::uint64_t), entryOffset(first), path);
    }
}

}  // namespace

PageSums::State PageSums::load() const {
    const FileDescriptor file(::open(file_.c_str(), O_RDONLY | O_CLOEXEC));
    FileHeader header;
    if (!file || readAt(file, &header, sizeof(header), 0, file_) != sizeof(header)) return {};
    if (header.magic != kMagic || header.checksum != checksumOf(header)) return {};
    if (header.boot != 0 && header.boot != bootIdentity()) return {};
    return {Txid{header.txid}, header.pending != 0, Txid{header.pending}, header.commit};
}

void PageSums::apply(Txid from, Txid to, std::uint32_t commit, std::span<const PageSum> sums) {
    const auto file = openFile(file_, O_RDWR);
    FileHeader before;
    const bool known = readAt(file, &before, sizeof(before), 0, file_) == sizeof(before);
    FileHeader header;
    header.txid = from.value;
    header.pending = to.value;
    header.boot = bootIdentity();
    header.commit = commit;
    writeHeader(file, header, file_);
    // A header that a reboot would believe must be gone from the disk before the entries change under it.
    if (known && before.boot == 0 && ::fdatasync(file.get()) != 0) throw systemError("sync " + file_.string(), errno);
    writeEntries(file, {sums.begin(), sums.end()}, file_);
    const bool resized = !known || before.commit != commit;
    if (resized && ::ftruncate(file.get(), entryOffset(commit + 1)) != 0) throw systemError("truncate " + file_.string(), errno);
    header.txid = to.value;
    header.pending = 0;
    writeHeader(file, header, file_);
}

void PageSums::begin(std::uint32_t commit) {
    const auto file = openFile(file_, O_RDWR | O_CREAT | O_TRUNC);
    FileHeader header;
    header.boot = bootIdentity();
    header.commit = commit;
    writeHeader(file, header, file_);
}

void PageSums::write(PageNumber first, std::span<const std::uint64_t> sums) {
    const auto file = openFile(file_, O_RDWR);
    writeAt(file, sums.data(), sums.size_bytes(), entryOffset(first), file_);
}

void PageSums::seal(Txid txid, std::uint32_t commit) {
    const auto file = openFile(file_, O_RDWR);
    FileHeader header;
    header.txid = txid.value;
    header.boot = bootIdentity();
    header.commit = commit;
    writeHeader(file, header, file_);
}

void PageSums::read(PageNumber first, std::span<std::uint64_t> sums) const {
    const auto file = openFile(file_, O_RDONLY);
    std::memset(sums.data(), 0, sums.size_bytes());
    readAt(file, sums.data(), sums.size_bytes(), entryOffset(first), file_);
}

void PageSums::invalidate() {
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
}

void PageSums::flush() {
    const State state = load();
    if (!state.txid || state.dirty) return;
    const auto file = openFile(file_, O_RDWR);
    if (::fsync(file.get()) != 0) throw systemError("sync " + file_.string(), errno);
    FileHeader header;
    header.txid = state.txid.value;
    header.commit = state.commit;
    writeHeader(file, header, file_);
    ::fsync(file.get());
}

}  // namespace litestream::engine
