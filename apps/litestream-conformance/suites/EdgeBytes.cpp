#include "EdgeBytes.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace litestream::conformance {

EdgeBytes::EdgeBytes(std::string_view bytes) : size_(bytes.size()) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t usable = (bytes.size() + page - 1) / page * page;
    mapped_ = usable + page;
    mapping_ = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    auto* begin = static_cast<std::byte*>(mapping_) + (usable - bytes.size());
    if (!bytes.empty()) std::memcpy(begin, bytes.data(), bytes.size());
    if (usable > 0) ::mprotect(mapping_, usable, PROT_READ);
    ::mprotect(static_cast<std::byte*>(mapping_) + usable, page, PROT_NONE);
    begin_ = begin;
}

EdgeBytes::~EdgeBytes() {
    ::munmap(mapping_, mapped_);
}

}  // namespace litestream::conformance
