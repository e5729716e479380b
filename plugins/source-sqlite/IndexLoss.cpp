#include "IndexLoss.h"

#include "WalIndex.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string_view>

namespace litestream::sqlite {
namespace {

// Everything that the handler calls is a system call or arithmetic: no allocation, no lock that an interrupted thread may hold.

std::mutex installMutex;  // guards the count, and the installing
int installed = 0;
struct sigaction previous {};
WalIndex::LostHeader lostHeader{};
std::atomic_flag handling;             // one thread at a time rearranges mappings
std::atomic<bool> anyReplaced{false};  // afterwards a bus error may come from an access that met the old mapping

/// A line of /proc/self/maps.
/// Source: proc(5):  7f00c000-7f014000 rw-s 00000000 fe:00 1234    /path/app.db-shm
struct Mapping {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    std::uint64_t offset = 0;
    std::uint64_t device = 0;  ///< both parts of it, as one number
    std::uint64_t inode = 0;   ///< 0 = memory of no file
    bool index = false;        ///< its file is a wal-index, by its name

    bool sameFile(const Mapping& other) const noexcept { return device == other.device && inode == other.inode; }
};

class Maps {
public:
    Maps() : file_(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC)) {}
    ~Maps() {
        if (file_ >= 0) ::close(file_);
    }
    Maps(const Maps&) = delete;
    Maps& operator=(const Maps&) = delete;

    bool next(Mapping& mapping) noexcept {
        if (!readLine()) return false;
        mapping = {};
        std::string_view rest(line_, length_);
        mapping.begin = number(rest, 16);
        mapping.end = number(rest, 16);
        rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));  // permissions
        mapping.offset = number(rest, 16);
        const std::uint64_t major = number(rest, 16);
        mapping.device = major << 32 | number(rest, 16);
        mapping.inode = number(rest, 10);
        constexpr std::string_view kDeleted = " (deleted)";
        if (rest.ends_with(kDeleted)) rest.remove_suffix(kDeleted.size());
        mapping.index = rest.ends_with("-shm");
        return true;
    }

private:
    /// Of a path that is too long the end is kept, behind the numbers.
    bool readLine() noexcept {
        length_ = 0;
        for (char c; read(c);) {
            if (c == '\n') return true;
            if (length_ == sizeof line_) {
                std::memmove(line_ + kNumbers, line_ + kNumbers + 1, sizeof line_ - kNumbers - 1);
                --length_;
            }
            line_[length_++] = c;
        }
        return false;
    }

    bool read(char& c) noexcept {
        if (taken_ == available_) {
            const ssize_t got = ::read(file_, buffer_, sizeof buffer_);
            if (got <= 0) return false;
            available_ = static_cast<std::size_t>(got);
            taken_ = 0;
        }
        c = buffer_[taken_++];
        return true;
    }

    /// Takes a number and the character behind it.
    static std::uint64_t number(std::string_view& text, unsigned base) noexcept {
        std::uint64_t value = 0;
        while (!text.empty()) {
            const char c = text.front();
            text.remove_prefix(1);
            const bool decimal = c >= '0' && c <= '9';
            if (!decimal && (base == 10 || c < 'a' || c > 'f')) break;
            value = value * base + static_cast<unsigned>(decimal ? c - '0' : c - 'a' + 10);
        }
        return value;
    }

    static constexpr std::size_t kNumbers = 100;
    int file_;
    char buffer_[1024];
    std::size_t available_ = 0;
    std::size_t taken_ = 0;
    char line_[160];
    std::size_t length_ = 0;
};

/// In one step, as seen by other threads: they find the old mapping or the new one.
bool replace(const Mapping& mapping) noexcept {
    const std::size_t bytes = mapping.end - mapping.begin;
    void* fresh = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fresh == MAP_FAILED) return false;
    if (mapping.offset == 0) std::memcpy(fresh, lostHeader.data(), sizeof lostHeader);
    void* target = reinterpret_cast<void*>(mapping.begin);  // NOLINT(performance-no-int-to-ptr)
    return ::mremap(fresh, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target;
}

/// The header goes first. SQLite may be in a checkpoint: from here on, what it concludes from pages that are gone stays in this process, where it would
/// otherwise tell everybody that frames had been copied.
bool replaceAll(const Mapping& faulty) noexcept {
    bool header = false;
    for (const bool wanted : {true, false}) {
        Maps maps;
        for (Mapping mapping; maps.next(mapping);) {
            if (!mapping.sameFile(faulty) || (mapping.offset == 0) != wanted) continue;
            if (!replace(mapping)) return false;
            header = header || wanted;
        }
        if (!header) return false;
    }
    return true;
}

bool survives(std::uintptr_t address) noexcept {
    Maps maps;
    for (Mapping mapping; maps.next(mapping);) {
        if (address < mapping.begin || address >= mapping.end) continue;
        if (mapping.inode == 0) return anyReplaced;
        if (!mapping.index || !replaceAll(mapping)) return false;
        anyReplaced = true;
        return true;
    }
    return false;
}

void onBusError(int signal, siginfo_t* info, void* context) {
    const int error = errno;
    if (info->si_code == BUS_ADRERR) {
        while (handling.test_and_set(std::memory_order_acquire)) {
        }
        const bool survived = survives(reinterpret_cast<std::uintptr_t>(info->si_addr));
        handling.clear(std::memory_order_release);
        errno = error;
        if (survived) return;
    }
    if ((previous.sa_flags & SA_SIGINFO) != 0) {
        previous.sa_sigaction(signal, info, context);
    } else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
        ::sigaction(SIGBUS, &previous, nullptr);  // the access is tried again, and ends the process
    } else {
        previous.sa_handler(signal);
    }
}

}  // namespace

IndexLossHandler::IndexLossHandler() {
    const std::lock_guard lock(installMutex);
    if (installed++ > 0) return;
    lostHeader = WalIndex::makeLostHeader();
    struct sigaction action {};
    action.sa_sigaction = &onBusError;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, &previous);
}

IndexLossHandler::~IndexLossHandler() {
    const std::lock_guard lock(installMutex);
    if (--installed > 0) return;
    struct sigaction current {};
    ::sigaction(SIGBUS, nullptr, &current);
    const bool ours = (current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == &onBusError;
    if (ours) ::sigaction(SIGBUS, &previous, nullptr);
}

}  // namespace litestream::sqlite
