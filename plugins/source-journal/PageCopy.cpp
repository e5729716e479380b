#include "PageCopy.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace litestream::journal {
namespace {

int openUnnamed(const std::filesystem::path& directory) {
    const int descriptor = ::open(directory.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (descriptor >= 0) return descriptor;
    // Some filesystems cannot make a file without a name.
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL) {
        std::string name = (directory / ".litestream-image-XXXXXX").string();
        const int named = ::mkostemp(name.data(), O_CLOEXEC);
        if (named >= 0) {
            ::unlink(name.c_str());
            return named;
        }
    }
    throw systemError("make a temporary file in " + directory.string(), errno);
}

}  // namespace

PageCopy::PageCopy(const std::filesystem::path& directory, std::uint32_t pageSize)
    : directory_(directory), pageSize_(pageSize), descriptor_(openUnnamed(directory)) {}

PageCopy::~PageCopy() { ::close(descriptor_); }

void PageCopy::write(PageNumber first, ConstBytes content) {
    auto offset = static_cast<off_t>(std::uint64_t{first - 1} * pageSize_);
    while (!content.empty()) {
        const ssize_t put = ::pwrite(descriptor_, content.data(), content.size(), offset);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) throw systemError("write an image to " + directory_.string(), put < 0 ? errno : ENOSPC);
        content = content.subspan(static_cast<std::size_t>(put));
        offset += put;
    }
}

void PageCopy::resize(std::uint32_t pages) {
    if (::ftruncate(descriptor_, static_cast<off_t>(std::uint64_t{pages} * pageSize_)) != 0) {
        throw systemError("write an image to " + directory_.string(), errno);
    }
}

void PageCopy::read(PageNumber first, MutableBytes into) const {
    auto offset = static_cast<off_t>(std::uint64_t{first - 1} * pageSize_);
    while (!into.empty()) {
        const ssize_t got = ::pread(descriptor_, into.data(), into.size(), offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw systemError("read an image in " + directory_.string(), errno);
        if (got == 0) throw Error(ErrorCode::InvalidArgument, "read an image: it has no page " + std::to_string(first));
        into = into.subspan(static_cast<std::size_t>(got));
        offset += got;
    }
}

}  // namespace litestream::journal
