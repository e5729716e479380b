/// transport-file keeps a replica in a directory, one file for each object, in upstream's tree layout. An object is written beside its
/// final name, synced, renamed, and its directory synced; its modification time is its timestamp. Nothing is
/// cached but the names of directories that are known to be durable, and no descriptor outlives a call.

#include "BodyWriter.h"
#include "Directories.h"
#include "FileList.h"
#include "FileTime.h"
#include "FileUrl.h"
#include "NewKey.h"
#include "TempFile.h"

#include <litestream/Key.h>
#include <litestream/Plugin.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace litestream::file {

namespace {

/// One read asks for no more than this, so that a cancelled call ends soon on a slow disk.
constexpr std::size_t kReadStep = 4 * 1024 * 1024;

/// A key cut into its directory ("" or ending with '/') and its name.
struct KeyParts {
    explicit KeyParts(const std::string& key) {
        const std::size_t slash = key.rfind('/');
        const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
        directory = key.substr(0, begin);
        name = key.substr(begin);
    }
    std::string directory;
    std::string name;
};

class ReadFile {
public:
    explicit ReadFile(const std::string& path)
        // Not to hang on a pipe that lies where an object should.
        : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    ~ReadFile() {
        if (isOpen()) ::close(descriptor_);
    }
    ReadFile(const ReadFile&) = delete;
    ReadFile& operator=(const ReadFile&) = delete;

    bool isOpen() const noexcept { return descriptor_ >= 0; }
    ssize_t read(MutableBytes into, std::uint64_t offset) const noexcept {
        return ::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset));
    }

private:
    int descriptor_;
};

class FileTransport final : public Transport {
public:
    explicit FileTransport(std::string root) : root_(std::move(root)), directories_(root_) {}

    const TransportCapabilities& capabilities() const noexcept override { return kCapabilities; }

    std::vector<std::pair<std::string, std::string>> describe() const override {
        return {{"path", root_.empty() ? "/" : root_}};
    }

    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) override {
        checkNewKey(key);
        context.check("put");
        const KeyParts parts(key);
        directories_.prepare(parts.directory, options.attributes);
        try {
            return store(parts, body, options, context);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::NotFound || exists(parts.directory)) throw;
        }
        // Somebody removed the directory that we knew.
        directories_.forget(parts.directory);
        directories_.prepare(parts.directory, options.attributes);
        body.rewind();
        return store(parts, body, options, context);
    }

    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) override {
        checkKey(key);
        context.check("get");
        const std::string path = pathOf(key);
        const ReadFile file(path);
        if (!file.isOpen()) throw systemError("get " + path, errno);
        if (offset > kLargestOffset) return 0;
        std::size_t filled = 0;
        while (filled < into.size()) {
            const ssize_t got = file.read(into.subspan(filled, std::min(kReadStep, into.size() - filled)), offset + filled);
            if (got == 0) break;
            if (got > 0) {
                filled += static_cast<std::size_t>(got);
                context.check("get");
            } else if (errno == EISDIR) {
                throw Error(ErrorCode::NotFound, "get " + path + ": is a directory, not an object");
            } else if (errno != EINTR) {
                throw systemError("get " + path, errno);
            }
        }
        return filled;
    }

    ObjectInfo head(const std::string& key, const CallContext& context) override {
        checkKey(key);
        context.check("head");
        const std::string path = pathOf(key);
        struct stat status{};
        if (::stat(path.c_str(), &status) != 0) throw systemError("head " + path, errno);
        if (!S_ISREG(status.st_mode)) throw Error(ErrorCode::NotFound, "head " + path + ": is not a regular file");
        return {key, static_cast<std::uint64_t>(status.st_size), timestampOf(status.st_mtim)};
    }

    std::vector<ObjectInfo> list(std::string_view prefix, std::string_view startAfter, std::size_t limit,
                                 const CallContext& context) override {
        return listTree(root_, prefix, startAfter, limit, context);
    }

    std::vector<RemoveFailure> remove(std::span<const std::string> keys, const CallContext& context) override {
        for (const std::string& key : keys) checkKey(key);
        context.check("remove");
        std::vector<RemoveFailure> failures;
        std::map<std::string, std::vector<std::string>> removed;  // by directory, which is synced once for all of them
        for (const std::string& key : keys) {
            const std::string path = pathOf(key);
            if (context.cancellation.cancelled() || context.remaining() == CallContext::Clock::duration::zero()) {
                failures.push_back({key, "remove " + path + ": cancelled"});
            } else if (::unlink(path.c_str()) == 0) {
                removed[KeyParts(key).directory].push_back(key);
            } else if (errno != ENOENT) {
                failures.push_back({key, systemError("remove " + path, errno).what()});
            }
        }
        for (const auto& [directory, names] : removed) syncRemoved(directory, names, failures);
        return failures;
    }

private:
    static constexpr std::uint64_t kLargestOffset = std::uint64_t{1} << 62;
    static constexpr TransportCapabilities kCapabilities{
        .layout = LayoutFamily::Tree, .conditionalPut = true, .listsTimestamp = true, .requestsAreCounted = false,
        .concurrency = 4};

    std::string pathOf(std::string_view key) const { return root_ + '/' + std::string(key); }

    bool exists(const std::string& directory) const { return ::access(pathOf(directory).c_str(), F_OK) == 0; }

    std::uint64_t store(const KeyParts& parts, Body& body, const PutOptions& options, const CallContext& context) const {
        const std::string directory = pathOf(parts.directory);
        TempFile file(directory, parts.name, options.attributes);
        const std::uint64_t written = writeBody(body, file, context);
        file.finish(options.timestamp);
        // The last moment at which nothing has happened yet.
        context.check("put");
        file.publish(directory + parts.name, options.onlyIfAbsent);
        syncDirectory(directory);
        return written;
    }

    /// What is unlinked may come back after a power failure until the directory is synced.
    void syncRemoved(const std::string& directory, const std::vector<std::string>& keys,
                     std::vector<RemoveFailure>& failures) const {
        try {
            syncDirectory(pathOf(directory));
        } catch (const Error& error) {
            if (error.code() == ErrorCode::NotFound) return;  // the directory went with them
            for (const std::string& key : keys) failures.push_back({key, error.what()});
        }
    }

    const std::string root_;  ///< without a slash at its end; "" is the file system's root
    Directories directories_;
};

class FilePlugin final : public TransportPlugin {
public:
    OptionValues parseUrl(std::string_view url) const override {
        OptionValues options;
        options.set("path", pathOfUrl(url));
        return options;
    }

    std::unique_ptr<Transport> open(const OptionValues& options) override {
        std::string root = options.text("path");
        if (root.empty()) throw Error(ErrorCode::InvalidArgument, "file replica path required");
        while (root.ends_with('/')) root.pop_back();
        return std::make_unique<FileTransport>(std::move(root));
    }
};

constexpr OptionSpec kOptions[] = {
    {"path", OptionType::Path, "", "directory that holds the replica", true},
};

}  // namespace

}  // namespace litestream::file

LITESTREAM_DECLARE_TRANSPORT("file", "1.0.0", "keeps a replica in a directory", litestream::file::kOptions, 1, "file",
                             litestream::file::FilePlugin)
