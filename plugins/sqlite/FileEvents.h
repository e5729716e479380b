#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>

namespace litestream::sqlite {

/// What a watcher waits for: something happens to a watched file, somebody interrupts, or time is over. One inotify instance and one eventfd.
///
/// Threads: interrupt() from any thread; add(), remove() and read() one call at a time; wait() beside all of them.
class FileEvents {
public:
    /// Throws Error when there is no descriptor for an eventfd. Without one for inotify, because the user's instances are used up, nothing can
    /// be watched.
    FileEvents();
    ~FileEvents();
    FileEvents(const FileEvents&) = delete;
    FileEvents& operator=(const FileEvents&) = delete;

    /// Watches a file until something is written to it or its name: one event, so that a busy file costs no event per write. Returns the
    /// watch's descriptor; -1 if it cannot be watched.
    int add(const std::filesystem::path& file) noexcept;
    /// Ends a watch, also one whose event has come.
    void remove(int descriptor) noexcept;

    /// Returns after `limit`, or before it if there are events or interrupt() was called since the last wait.
    void wait(std::chrono::nanoseconds limit) const noexcept;
    void interrupt() const noexcept;

    /// Calls `each` with descriptor and mask of every event that has come.
    void read(const std::function<void(int descriptor, std::uint32_t mask)>& each) const;

    /// Of an event: the name may now mean another file.
    static bool isAboutName(std::uint32_t mask) noexcept;
    /// Of an event without a descriptor: others were lost.
    static bool isOverflow(std::uint32_t mask) noexcept;

private:
    const int event_;  // first: it may throw
    const int inotify_;  // -1 = none was left
};

}  // namespace litestream::sqlite
