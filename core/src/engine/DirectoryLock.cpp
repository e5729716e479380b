#include "engine/DirectoryLock.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

namespace litestream::engine {

namespace {

constexpr std::size_t kMappedBytes = 1;

std::string holder(int descriptor) {
    std::array<char, 32> text{};
    const ssize_t length = ::pread(descriptor, text.data(), text.size() - 1, 0);
    std::string process(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    while (!process.empty() && process.back() == '\n') process.pop_back();
    return process.empty() ? "another process" : "process " + process;
}

}  // namespace

DirectoryLock::DirectoryLock(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) throw systemError("open " + file.string(), errno);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        const int reason = errno;
        const std::string who = holder(descriptor);
        ::close(descriptor);
        if (reason != EWOULDBLOCK) throw systemError("lock " + file.string(), reason);
        throw Error(ErrorCode::Conflict, "metadata directory " + file.parent_path().string() + " is in use by " + who +
                                             ". Only one process may replicate a database: stop the other one");
    }
    const std::string me = std::to_string(::getpid()) + "\n";
    if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, me.data(), me.size(), 0) < 0) {
        // Only for people who look: the lock itself holds.
    }
    void* mapping = ::mmap(nullptr, kMappedBytes, PROT_NONE, MAP_SHARED, descriptor, 0);
    const int reason = errno;
    ::close(descriptor);
    if (mapping == MAP_FAILED) throw systemError("map " + file.string(), reason);
    // A forked child that lives on must not keep the lock.
    ::madvise(mapping, kMappedBytes, MADV_DONTFORK);
    mapping_ = mapping;
}

DirectoryLock::~DirectoryLock() {
    if (mapping_ != nullptr) ::munmap(mapping_, kMappedBytes);
}

}  // namespace litestream::engine
