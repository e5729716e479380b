/// When did which commit reach a replica directory? Two steps, so that reading files does not disturb the run that is measured:
/// `arrivals watch DIR OUT` notes when each object appeared, until SIGTERM; `arrivals decode OUT` then opens the objects and prints for each
/// the newest n of the writer's chain that is really in it: "<monotonic ns> <n> <path>".

#include "Chain.h"
#include "Stopping.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lz4.h>
#include <lz4frame.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace litestream::tools {
namespace {

namespace fs = std::filesystem;

bool isObject(std::string_view name) {
    return name.ends_with(".ltx") || name.ends_with(".wal.lz4") || name.ends_with(".snapshot.lz4");
}

/// Watches a tree that grows. An object counts from the last event that completed it under its final name: rename or link into place,
/// or the closing of a file that was written there.
class Watch {
public:
    explicit Watch(const std::string& root) : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
        if (inotify_ < 0) {
            throw std::runtime_error(fmt::format("inotify: {}", strerror(errno)));
        }
        add(root, nowNs());
    }
    ~Watch() { ::close(inotify_); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    void run() {
        alignas(inotify_event) char buffer[64 << 10];
        while (stopping == 0) {
            pollfd wait{inotify_, POLLIN, 0};
            ::poll(&wait, 1, 1000);
            const ssize_t got = ::read(inotify_, buffer, sizeof buffer);
            const std::uint64_t now = nowNs();
            for (ssize_t at = 0; at < got;) {
                const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
                handle(*event, now);
                at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
            }
        }
    }

    void save(const std::string& out) const {
        std::vector<std::pair<std::uint64_t, std::string>> sorted;
        for (const auto& [path, ns] : arrivals_) {
            sorted.emplace_back(ns, path);
        }
        std::sort(sorted.begin(), sorted.end());
        std::ofstream file(out);
        for (const auto& [ns, path] : sorted) {
            file << ns << ' ' << path << '\n';
        }
        if (!file.flush()) {
            throw std::runtime_error("cannot write " + out);
        }
    }

private:
    void add(const std::string& directory, std::uint64_t now) {
        const int watch = ::inotify_add_watch(inotify_, directory.c_str(), IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR);
        if (watch < 0) {
            if (errno == ENOENT) {
                return;
            }
            throw std::runtime_error(fmt::format("watch {}: {}", directory, strerror(errno)));
        }
        directories_[watch] = directory;
        // What came before the watch was there is noted now: late, never early.
        std::error_code gone;
        for (const auto& entry : fs::directory_iterator(directory, gone)) {
            if (entry.is_directory(gone)) {
                add(entry.path().string(), now);
            } else if (isObject(entry.path().filename().string())) {
                arrivals_.emplace(entry.path().string(), nowNs());
            }
        }
    }

    void handle(const inotify_event& event, std::uint64_t now) {
        if ((event.mask & IN_Q_OVERFLOW) != 0) {
            throw std::runtime_error("inotify lost events: the run cannot be judged");
        }
        const auto directory = directories_.find(event.wd);
        if (directory == directories_.end() || event.len == 0) {
            return;
        }
        const std::string path = directory->second + "/" + event.name;
        if ((event.mask & IN_ISDIR) != 0) {
            add(path, now);
        } else if (isObject(event.name)) {
            arrivals_[path] = now;
        }
    }

    int inotify_;
    std::map<int, std::string> directories_;
    std::map<std::string, std::uint64_t> arrivals_;
};

std::vector<char> contentOf(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) {
        throw std::runtime_error("cannot read " + path);
    }
    std::vector<char> content(static_cast<std::size_t>(file.tellg()));
    file.seekg(0);
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    return content;
}

/// The newest n behind any mark; 0 when there is none. A page may hold stale copies of the row, and those are older.
std::uint64_t newestIn(std::string_view bytes) {
    std::uint64_t newest = 0;
    const std::string_view mark(kMark, kMarkBytes);
    for (std::size_t at = 0; (at = bytes.find(mark, at)) != std::string_view::npos; at += mark.size()) {
        if (at + mark.size() + 8 <= bytes.size()) {
            std::uint64_t n = 0;
            for (std::size_t k = 0; k < 8; ++k) {
                n = n << 8 | static_cast<unsigned char>(bytes[at + mark.size() + k]);
            }
            newest = std::max(newest, n);
        }
    }
    return newest;
}

std::uint32_t u32(const char* p) {
    const auto* b = reinterpret_cast<const unsigned char*>(p);
    return static_cast<std::uint32_t>(b[0]) << 24 | static_cast<std::uint32_t>(b[1]) << 16 | static_cast<std::uint32_t>(b[2]) << 8 | b[3];
}

class Decoder {
public:
    std::uint64_t newest(const std::string& path) {
        const std::vector<char> content = contentOf(path);
        return path.ends_with(".ltx") ? newestInLtx(content, path) : newestInLz4Frames(content, path);
    }

private:
    std::uint64_t newestInLtx(const std::vector<char>& content, const std::string& path) {
        constexpr std::size_t kHeader = 100;
        constexpr std::size_t kPageHeader = 10;
        if (content.size() < kHeader || std::memcmp(content.data(), "LTX1", 4) != 0) {
            throw std::runtime_error("not an LTX file: " + path);
        }
        page_.resize(u32(content.data() + 8));
        std::uint64_t newest = 0;
        for (const bool everyPage : {false, true}) {
            for (std::size_t at = kHeader; at + kPageHeader <= content.size();) {
                const std::uint32_t number = u32(content.data() + at);
                if (number == 0) {
                    break;
                }
                const std::size_t size = u32(content.data() + at + 6);
                at += kPageHeader;
                if (size > content.size() - at) {
                    throw std::runtime_error("a page ends behind the end of " + path);
                }
                if (everyPage || number == chainPage_) {
                    const std::uint64_t n = newestInPage({content.data() + at, size}, path);
                    if (n != 0) {
                        chainPage_ = number;
                    }
                    newest = std::max(newest, n);
                }
                at += size;
            }
            if (newest != 0) {
                break;
            }
        }
        return newest;
    }

    std::uint64_t newestInPage(std::string_view block, const std::string& path) {
        const int size = LZ4_decompress_safe(block.data(), page_.data(), static_cast<int>(block.size()), static_cast<int>(page_.size()));
        if (size != static_cast<int>(page_.size())) {
            throw std::runtime_error("a page of " + path + " does not unpack");
        }
        return newestIn({page_.data(), page_.size()});
    }

    std::uint64_t newestInLz4Frames(const std::vector<char>& content, const std::string& path) {
        LZ4F_dctx* context = nullptr;
        LZ4F_createDecompressionContext(&context, LZ4F_VERSION);
        std::string plain;
        std::vector<char> piece(1 << 20);
        for (std::size_t at = 0; at < content.size();) {
            std::size_t in = content.size() - at;
            std::size_t out = piece.size();
            if (LZ4F_isError(LZ4F_decompress(context, piece.data(), &out, content.data() + at, &in, nullptr)) || (in == 0 && out == 0)) {
                LZ4F_freeDecompressionContext(context);
                throw std::runtime_error(path + " does not unpack");
            }
            plain.append(piece.data(), out);
            at += in;
        }
        LZ4F_freeDecompressionContext(context);
        return newestIn(plain);
    }

    std::vector<char> page_;
    std::uint32_t chainPage_ = 0;  ///< where the chain's row was last seen: saves unpacking the others
};

int watch(const std::string& root, const std::string& out) {
    stopOnSignals();
    Watch watch(root);
    std::puts("watching");
    std::fflush(stdout);
    watch.run();
    watch.save(out);
    return 0;
}

int decode(const std::string& list) {
    std::ifstream file(list);
    std::map<std::string, Decoder> decoders;  // one per database: its chain's row has a page of its own
    std::uint64_t ns = 0;
    std::string path;
    while (file >> ns && std::getline(file >> std::ws, path)) {
        if (!fs::exists(path)) {
            fmt::print(stderr, "gone: {}\n", path);
            continue;
        }
        const std::string parent = fs::path(path).parent_path().string();
        fmt::print("{} {} {}\n", ns, decoders[parent].newest(path), path);
    }
    return 0;
}

int run(int argc, char** argv) {
    const std::string_view verb = argc > 1 ? argv[1] : "";
    try {
        if (verb == "watch" && argc == 4) {
            return watch(argv[2], argv[3]);
        }
        if (verb == "decode" && argc == 3) {
            return decode(argv[2]);
        }
    } catch (const std::exception& error) {
        fmt::print(stderr, "arrivals: {}\n", error.what());
        return 1;
    }
    fmt::print(stderr, "usage: arrivals watch DIR OUT | arrivals decode OUT\n");
    return 2;
}

}  // namespace
}  // namespace litestream::tools

int main(int argc, char** argv) { return litestream::tools::run(argc, argv); }
