#include "engine/PageSums.h"

#include "ltx/Sealed.h"
#include "util/Boot.h"
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

constexpr std::array<char, 8> kMagic{'L', 'S', 'S', 'U', 'M', '0', '0', '2'};

struct FileHeader {
    std::array<char, 8> magic = kMagic;
    std::uint64_t txid = 0;
    std::uint64_t pending = 0;
    std::uint64_t boot = 0;  // of the boot in which it was written; 0 = fsynced
    std::uint32_t commit = 0;
    std::uint32_t reserved = 0;
    std::uint64_t digest = 0;
    std::uint64_t pendingDigest = 0;  // the entries may be half old and half new: it cannot be found again
    std::uint64_t checksum = 0;
};

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
    header = ltx::sealed(header);
    writeAt(file, &header, sizeof(header), 0, path);
}

std::size_t readAt(const FileDescriptor& file, void* data, std::size_t size, off_t offset,
                   const std::filesystem::path& path) {
    const ssize_t got = ::pread(file.get(), data, size, offset);
    if (got < 0) throw systemError("read " + path.string(), errno);
    return static_cast<std::size_t>(got);
}

/// Calls `visit(first, sums)` for each run of neighbours.
template <class Visit>
void visitRuns(std::span<const PageSum> sums, Visit visit) {
    std::vector<std::uint64_t> run;
    for (std::size_t i = 0; i < sums.size();) {
        const PageNumber first = sums[i].page;
        run.clear();
        while (i < sums.size() && sums[i].page == first + run.size()) run.push_back(sums[i++].sum);
        visit(first, std::span<const std::uint64_t>(run));
    }
}

/// Takes `count` entries from `first` on out of `digest`, as far as there are any.
std::uint64_t without(std::uint64_t digest, const FileDescriptor& file, PageNumber first, std::uint64_t count, const std::filesystem::path& path) {
    constexpr std::uint64_t kAtOnce = 8192;
    std::vector<std::uint64_t> old(std::min(count, kAtOnce));
    while (count > 0) {
        const auto piece = std::span(old).first(std::min(count, kAtOnce));
        const std::size_t got = readAt(file, piece.data(), piece.size_bytes(), entryOffset(first), path);
        digest = ltx::addToDigest(digest, piece.first(got / sizeof(std::uint64_t)));
        first += static_cast<PageNumber>(piece.size());
        count -= piece.size();
    }
    return digest;
}

/// What the digest of `before` becomes when `sums` replace its entries and `commit` pages are left.
std::uint64_t nextDigest(const FileHeader& before, std::uint32_t commit, std::span<const PageSum> sums, const FileDescriptor& file,
                         const std::filesystem::path& path) {
    std::uint64_t digest = before.digest;
    visitRuns(sums, [&](PageNumber first, std::span<const std::uint64_t> run) {
        if (first <= before.commit) digest = without(digest, file, first, std::min<std::uint64_t>(run.size(), before.commit - first + 1), path);
        digest = ltx::addToDigest(digest, run);
    });
    if (commit < before.commit) digest = without(digest, file, commit + 1, before.commit - commit, path);
    return digest;
}

}  // namespace

PageSums::State PageSums::load() const {
    const FileDescriptor file(::open(file_.c_str(), O_RDONLY | O_CLOEXEC));
    FileHeader header;
    if (!file || readAt(file, &header, sizeof(header), 0, file_) != sizeof(header)) return {};
    if (header.magic != kMagic || !ltx::isWhole(header)) return {};
    if (header.boot != 0 && header.boot != bootIdentity()) return {};
    return {Txid{header.txid}, header.pending != 0, Txid{header.pending}, header.commit, header.digest};
}

std::uint64_t PageSums::apply(Txid from, Txid to, std::uint32_t commit, std::span<const PageSum> sums) {
    const auto file = openFile(file_, O_RDWR);
    FileHeader header;
    const bool whole = readAt(file, &header, sizeof(header), 0, file_) == sizeof(header) && header.magic == kMagic && ltx::isWhole(header);
    if (!whole || header.txid != from.value || (header.pending != 0 && header.pending != to.value)) {
        throw Error(ErrorCode::Corrupt, "page sums " + file_.string() + " are not those of TXID " + ltx::format(from));
    }
    std::vector<PageSum> sorted(sums.begin(), sums.end());
    std::erase_if(sorted, [commit](const PageSum& sum) { return sum.page > commit; });
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.page < b.page; });
    if (header.pending == 0) header.pendingDigest = nextDigest(header, commit, sorted, file, file_);
    const bool resized = header.commit != commit || header.pending != 0;
    // A header that a reboot would believe must be gone from the disk before the entries change under it.
    const bool believed = header.boot == 0;
    header.pending = to.value;
    header.boot = bootIdentity();
    writeHeader(file, header, file_);
    if (believed && ::fdatasync(file.get()) != 0) throw systemError("sync " + file_.string(), errno);
    visitRuns(sorted, [&](PageNumber first, std::span<const std::uint64_t> run) { writeAt(file, run.data(), run.size_bytes(), entryOffset(first), file_); });
    if (resized && ::ftruncate(file.get(), entryOffset(commit + 1)) != 0) throw systemError("truncate " + file_.string(), errno);
    header.txid = to.value;
    header.pending = 0;
    header.commit = commit;
    header.digest = header.pendingDigest;
    writeHeader(file, header, file_);
    return header.digest;
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

void PageSums::seal(Txid txid, std::uint32_t commit, std::uint64_t digest) {
    const auto file = openFile(file_, O_RDWR);
    FileHeader header;
    header.txid = txid.value;
    header.boot = bootIdentity();
    header.commit = commit;
    header.digest = digest;
    writeHeader(file, header, file_);
}

void PageSums::correct(std::uint64_t digest) {
    const State state = load();
    if (state.txid && !state.dirty) seal(state.txid, state.commit, digest);
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
    header.digest = state.digest;
    writeHeader(file, header, file_);
    ::fsync(file.get());
}

}  // namespace litestream::engine
