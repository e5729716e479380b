#include "FileEvents.h"

#include <litestream/Error.h>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace litestream::sqlite {
namespace {

int openEvent() {
    const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptor < 0) throw systemError("create an eventfd", errno);
    return descriptor;
}

}  // namespace

FileEvents::FileEvents() : event_(openEvent()), inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

FileEvents::~FileEvents() {
    if (inotify_ >= 0) ::close(inotify_);
    ::close(event_);
}

int FileEvents::add(const std::filesystem::path& file) noexcept {
    if (inotify_ < 0) return -1;
    return ::inotify_add_watch(inotify_, file.c_str(),
                               IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_ONESHOT);
}

void FileEvents::remove(int descriptor) noexcept {
    ::inotify_rm_watch(inotify_, descriptor);  // fails if its one shot is spent
}

void FileEvents::wait(std::chrono::nanoseconds limit) const noexcept {
    std::array<pollfd, 2> descriptors{pollfd{event_, POLLIN, 0}, pollfd{inotify_, POLLIN, 0}};
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit);
    const timespec duration{seconds.count(), std::chrono::nanoseconds(limit - seconds).count()};
    if (::ppoll(descriptors.data(), descriptors.size(), &duration, nullptr) <= 0) return;
    std::uint64_t ignored;
    [[maybe_unused]] const auto read = ::read(event_, &ignored, sizeof ignored);
}

void FileEvents::interrupt() const noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_, &one, sizeof one);
}

void FileEvents::read(const std::function<void(int descriptor, std::uint32_t mask)>& each) const {
    alignas(inotify_event) std::array<char, 4096> buffer;
    for (;;) {
        const ssize_t bytes = ::read(inotify_, buffer.data(), buffer.size());
        if (bytes <= 0) return;
        for (ssize_t offset = 0; offset < bytes;) {
            inotify_event event;
            std::memcpy(&event, buffer.data() + offset, sizeof event);
            offset += static_cast<ssize_t>(sizeof event + event.len);
            each(event.wd, event.mask);
        }
    }
}

bool FileEvents::isAboutName(std::uint32_t mask) noexcept {
    return (mask & (IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF)) != 0;
}

bool FileEvents::isOverflow(std::uint32_t mask) noexcept { return (mask & IN_Q_OVERFLOW) != 0; }

}  // namespace litestream::sqlite
