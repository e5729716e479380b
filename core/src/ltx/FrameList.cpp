#include "ltx/FrameList.h"

#include "ltx/Bytes.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>

namespace litestream::ltx {

namespace {

constexpr std::size_t kBlock = 64u << 10;
/// Two varints.
constexpr std::size_t kLongestFrame = 2 * kMaxVarint;

/// A file without a name: gone with its descriptor, whatever ends the process. None where there can be no file.
FileDescriptor unnamedFile(const std::filesystem::path& directory) {
    FileDescriptor file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (file) return file;
    // Some file systems know no such thing.
    std::string name = (directory / "index-XXXXXX").string();
    file.reset(::mkostemp(name.data(), O_CLOEXEC));
    if (file) ::unlink(name.c_str());
    return file;
}

bool writeAt(const FileDescriptor& file, ConstBytes bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        const ssize_t put = ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
    }
    return true;
}

void readAt(const FileDescriptor& file, MutableBytes into, std::uint64_t offset) {
    while (!into.empty()) {
        const ssize_t got = ::pread(file.get(), into.data(), into.size(), static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw systemError("read the page index from its temporary file", errno);
        if (got == 0) throw Error(ErrorCode::Transient, "the temporary file of a page index has become shorter");
        into = into.subspan(static_cast<std::size_t>(got));
        offset += static_cast<std::uint64_t>(got);
    }
}

}  // namespace

void FrameList::add(PageNumber page, std::uint64_t size) {
    if (blocks_.empty() || blocks_.back().size() + kLongestFrame > kBlock) {
        if (blocks_.size() >= kMostInMemory / kBlock && !scratch_.empty() && !spill()) scratch_.clear();
        blocks_.emplace_back();
    }
    // Nearly always the next page, so that only the size has to be told.
    const std::uint64_t step = page - last_;
    std::byte frame[kLongestFrame];
    std::byte* end = storeVarint(frame, size << 1 | (step != 1 ? 1 : 0));
    if (step != 1) end = storeVarint(end, step);
    blocks_.back().insert(blocks_.back().end(), frame, end);
    last_ = page;
}

/// False when there is no room: what is in the file stays there, and everything from here on in memory.
bool FrameList::spill() {
    if (!file_) file_ = unnamedFile(scratch_);
    if (!file_) return false;
    while (!blocks_.empty()) {
        if (!writeAt(file_, blocks_.front(), spilled_)) return false;
        spilled_ += blocks_.front().size();
        blocks_.pop_front();
    }
    return true;
}

/// Reads on behind what is left; false at the end.
bool FrameList::refill() {
    rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
    if (read_ < spilled_) {
        const std::size_t before = rest_.size();
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, spilled_ - read_));
        rest_.resize(before + count);
        readAt(file_, MutableBytes(rest_).subspan(before), read_);
        read_ += count;
        return true;
    }
    if (blocks_.empty()) return false;
    rest_.insert(rest_.end(), blocks_.front().begin(), blocks_.front().end());
    blocks_.pop_front();
    return true;
}

bool FrameList::take(std::vector<std::byte>& index) {
    if (!refill() && rest_.empty()) return false;
    // A block ends with a whole frame, a piece of the file with any byte.
    const bool last = read_ == spilled_;
    ConstBytes bytes = rest_;
    while (last ? !bytes.empty() : bytes.size() >= kLongestFrame) {
        const auto word = takeVarint(bytes);
        const auto step = word && (*word & 1) != 0 ? takeVarint(bytes) : std::optional<std::uint64_t>(1);
        if (!word || !step) throw Error(ErrorCode::Transient, "the temporary file of a page index has changed");
        page_ += static_cast<PageNumber>(*step);
        appendIndexEntry(index, page_, offset_, *word >> 1);
        offset_ += *word >> 1;
    }
    taken_ = rest_.size() - bytes.size();
    return true;
}

}  // namespace litestream::ltx
