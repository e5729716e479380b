#include "litestream-conformance/Child.h"

#include "litestream-conformance/suites/Trail.h"
#include "util/Units.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <system_error>

namespace litestream::conformance {

namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t interrupted = 0;

constexpr std::size_t kTrailBytes = 4096;
constexpr const char* kEnd = "end";

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

/// Memory that parent and child share.
class SharedText {
public:
    SharedText() : place_(::mmap(nullptr, kTrailBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
        if (place_ == MAP_FAILED) fail("mmap");
    }
    ~SharedText() { ::munmap(place_, kTrailBytes); }
    SharedText(const SharedText&) = delete;
    SharedText& operator=(const SharedText&) = delete;
    char* text() const noexcept { return static_cast<char*>(place_); }

private:
    void* place_;
};

void appendLength(std::string& bytes, std::size_t length) {
    const auto value = static_cast<std::uint32_t>(length);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

bool takeLength(std::string_view& bytes, std::uint32_t& length) {
    if (bytes.size() < sizeof length) return false;
    std::memcpy(&length, bytes.data(), sizeof length);
    bytes.remove_prefix(sizeof length);
    return true;
}

std::vector<Record> decode(std::string_view bytes) {
    std::vector<Record> records;
    std::uint32_t parts = 0;
    while (takeLength(bytes, parts)) {
        Record record;
        std::uint32_t length = 0;
        while (record.size() < parts && takeLength(bytes, length) && length <= bytes.size()) {
            record.emplace_back(bytes.substr(0, length));
            bytes.remove_prefix(length);
        }
        if (record.size() < parts) break;  // cut off by the end of the process
        records.push_back(std::move(record));
    }
    return records;
}

/// Everything that the child writes until it closes its end. False when the time was up first.
bool readAll(int descriptor, Clock::time_point deadline, std::string& bytes) {
    std::array<char, 65536> buffer{};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return false;
        pollfd waiting{descriptor, POLLIN, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, 1000)));
        if (interrupted != 0) throw Interrupted{};
        if (ready <= 0) continue;
        const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
        if (got == 0) return true;
        if (got > 0) bytes.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

std::string mishapOf(int status) {
    if (WIFSIGNALED(status)) {
        return "the process ended with signal " + std::to_string(WTERMSIG(status)) + " (" +
               ::strsignal(WTERMSIG(status)) + ")";
    }
    return "the process ended with status " + std::to_string(WEXITSTATUS(status));
}

[[noreturn]] void runChild(int descriptor, const std::function<void(RecordWriter&)>& action) {
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    RecordWriter writer(descriptor);
    try {
        action(writer);
        writer.send({kEnd});
    } catch (const std::exception& error) {
        writer.send({"error", error.what()});
        writer.send({kEnd});
    } catch (...) {
        writer.send({"error", "something that is no exception"});
        writer.send({kEnd});
    }
    // No destructors: what the plugin left behind is its own business.
    std::cout.flush();
    ::_exit(0);
}

}  // namespace

void RecordWriter::send(const Record& record) {
    std::string bytes;
    appendLength(bytes, record.size());
    for (const std::string& part : record) {
        appendLength(bytes, part.size());
        bytes += part;
    }
    const std::lock_guard lock(mutex_);
    for (std::size_t sent = 0; sent < bytes.size();) {
        const ssize_t written = ::write(descriptor_, bytes.data() + sent, bytes.size() - sent);
        if (written < 0 && errno != EINTR) return;  // the parent is gone
        if (written > 0) sent += static_cast<std::size_t>(written);
    }
}

void watchForInterruption() {
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

ChildResult inChild(std::chrono::nanoseconds limit, const std::function<void(RecordWriter&)>& action) {
    const SharedText operation;
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe");
    std::cout.flush();
    const pid_t child = ::fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        ::close(ends[0]);
        shareOperations(operation.text(), kTrailBytes);
        runChild(ends[1], action);
    }
    ::close(ends[1]);
    std::string bytes;
    bool inTime = false;
    const auto reap = [&] {
        ::close(ends[0]);
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
        return status;
    };
    try {
        inTime = readAll(ends[0], Clock::now() + limit, bytes);
    } catch (const Interrupted&) {
        ::kill(child, SIGKILL);
        reap();
        interrupted = 0;  // what tidies up may run
        throw;
    }
    if (!inTime) ::kill(child, SIGKILL);
    const int status = reap();
    ChildResult result;
    result.records = decode(bytes);
    const bool ended = !result.records.empty() && result.records.back() == Record{kEnd};
    if (ended) {
        result.records.pop_back();
    } else {
        result.mishap = inTime ? mishapOf(status) : "no end after " + formatDuration(limit);
        result.lastOperation = operation.text();
    }
    return result;
}

}  // namespace litestream::conformance
