#pragma once

#include <litestream/Plugin.h>

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

/// A source that is right, for small databases in any journal mode: it reads the whole database as SQLite does, compares it with what it read last
/// and ships what differs. Each faulty one of this folder overrides what it gets wrong.
namespace litestream::faults {

using Connection = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;

inline Connection openDatabase(const std::filesystem::path& path) {
    sqlite3* opened = nullptr;
    const int rc = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
    Connection connection(opened, &sqlite3_close);
    if (rc != SQLITE_OK) return {nullptr, &sqlite3_close};
    // The last connection must not checkpoint: that is the application's business.
    sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    return connection;
}

/// The whole database in one transaction; empty when it is locked, empty or none.
inline std::string readAll(sqlite3* connection) {
    if (sqlite3_exec(connection, "BEGIN; SELECT count(*) FROM sqlite_master", nullptr, nullptr, nullptr) != SQLITE_OK) {
        sqlite3_exec(connection, "ROLLBACK", nullptr, nullptr, nullptr);
        return {};
    }
    sqlite3_int64 size = 0;
    const std::unique_ptr<unsigned char, decltype(&sqlite3_free)> bytes(sqlite3_serialize(connection, "main", &size, 0),
                                                                        &sqlite3_free);
    sqlite3_exec(connection, "COMMIT", nullptr, nullptr, nullptr);
    if (bytes == nullptr) return {};
    return {reinterpret_cast<const char*>(bytes.get()), static_cast<std::size_t>(size)};
}

class SnapshotImage final : public Image {
public:
    SnapshotImage(std::shared_ptr<const std::string> content, std::uint32_t pageSize, const Position& position)
        : content_(std::move(content)), pageSize_(pageSize), position_(position) {}

    std::uint32_t pageSize() const noexcept override { return pageSize_; }
    std::uint32_t pageCount() const noexcept override {
        return static_cast<std::uint32_t>(content_->size() / pageSize_);
    }
    Position position() const noexcept override { return position_; }
    void read(PageNumber first, MutableBytes into) override {
        const std::size_t offset = std::size_t{first - 1} * pageSize_;
        if (offset + into.size() > content_->size()) throw Error(ErrorCode::InvalidArgument, "image: no such pages");
        std::memcpy(into.data(), content_->data() + offset, into.size());
    }

private:
    const std::shared_ptr<const std::string> content_;  // shared with the source, which puts another one in its place
    const std::uint32_t pageSize_;
    const Position position_;
};

class SnapshotSource : public Source {
public:
    explicit SnapshotSource(SourceContext context)
        : context_(std::move(context)), seen_(fingerprint()), watcher_([this] { watch(); }) {}
    ~SnapshotSource() override {
        stop_ = true;
        watcher_.join();
    }

    Attachment attach(const Position* last) override {
        detach();
        seen_ = fingerprint();
        connection_ = openDatabase(context_.database);
        std::string now = connection_ == nullptr ? std::string() : read();
        if (now.empty()) {
            detach();
            return {Attachment::Outcome::Detached, "it cannot be read as a database", 0, 0};
        }
        inode_ = inode();
        known_ = std::make_shared<const std::string>(std::move(now));
        const bool proved = last != nullptr && *last == position();
        lost_ = !proved;
        attached_ = true;
        return {proved ? Attachment::Outcome::Proved : Attachment::Outcome::Lost,
                proved ? "" : "another state than the recorded one", pageSize(), commit()};
    }

    Capture capture(std::uint64_t budgetBytes, PageSink& sink) override {
        if (!attached_ || inode() != inode_) {
            detach();
            return ended(Capture::Outcome::Detached, "not attached, or the file was replaced");
        }
        if (lost_) return ended(Capture::Outcome::Lost, "nobody took an image yet");
        seen_ = fingerprint();
        std::string now = read();
        if (now.empty() || now == *known_) return ended(Capture::Outcome::Unchanged, "");
        if (pageSizeOf(now) != pageSize()) return lose("the page size has changed");
        try {
            return ship(std::move(now), budgetBytes, sink);
        } catch (const Error& error) {
            return lose(error.what());
        }
    }

    void release(const Position&) override {}

    std::unique_ptr<Image> image() override {
        if (!attached_) throw Error(ErrorCode::Transient, "image: not attached");
        if (lost_) {
            std::string now = read();
            if (now.empty()) throw Error(ErrorCode::Transient, "image: the database is locked");
            known_ = std::make_shared<const std::string>(std::move(now));
            lost_ = false;
        }
        return std::make_unique<SnapshotImage>(known_, pageSize(), position());
    }

    void detach() override {
        attached_ = false;
        connection_.reset();
    }

    SourceStatus status() const override {
        SourceStatus status;
        status.state = attached_ ? "following" : "detached";
        return status;
    }

protected:
    virtual std::string read() { return readAll(connection_.get()); }

    virtual Capture ship(std::string now, std::uint64_t, PageSink& sink) {
        const std::size_t size = pageSize();
        for (std::size_t at = 0; at < now.size(); at += size) {
            if (known_->compare(at > known_->size() ? known_->size() : at, size, now, at, size) == 0) continue;
            sink.page(static_cast<PageNumber>(at / size + 1), std::as_bytes(std::span(now)).subspan(at, size));
        }
        known_ = std::make_shared<const std::string>(std::move(now));
        return ended(Capture::Outcome::Captured, "");
    }

    Capture ended(Capture::Outcome outcome, const std::string& reason) const {
        Capture capture;
        capture.outcome = outcome;
        capture.reason = reason;
        if (known_ != nullptr) {
            capture.position = position();
            capture.commit = commit();
        }
        return capture;
    }

    Capture lose(const std::string& reason) {
        lost_ = true;
        return ended(Capture::Outcome::Lost, reason);
    }

    /// Two checksums of everything.
    virtual Position position() const {
        const std::uint64_t size = known_->size();
        const std::uint64_t sum = std::hash<std::string>()(*known_);
        Position position;
        position.size = sizeof size + sizeof sum;
        std::memcpy(position.bytes.data(), &size, sizeof size);
        std::memcpy(position.bytes.data() + sizeof size, &sum, sizeof sum);
        return position;
    }

    static std::uint32_t pageSizeOf(const std::string& content) {
        const auto stored = static_cast<std::uint32_t>(static_cast<unsigned char>(content[16]) << 8 |
                                                       static_cast<unsigned char>(content[17]));
        return stored == 1 ? 65536 : stored;
    }
    std::uint32_t pageSize() const { return pageSizeOf(*known_); }
    std::uint32_t commit() const { return static_cast<std::uint32_t>(known_->size() / pageSize()); }

    virtual void wake(Wake reason) { context_.wake(reason); }

    const SourceContext context_;
    Connection connection_{nullptr, &sqlite3_close};
    std::shared_ptr<const std::string> known_;  // shared with images
    bool lost_ = false;

private:
    ino_t inode() const {
        struct stat found {};
        return ::stat(context_.database.c_str(), &found) == 0 ? found.st_ino : 0;
    }

    /// Changes when a file does.
    std::uint64_t fingerprint() const {
        std::uint64_t sum = 0;
        for (const char* suffix : {"", "-wal"}) {
            struct stat found {};
            if (::stat((context_.database.string() + suffix).c_str(), &found) != 0) continue;
            const auto bits = static_cast<std::uint64_t>(found.st_mtim.tv_sec) * 1000000007u +
                              static_cast<std::uint64_t>(found.st_mtim.tv_nsec);
            sum = sum * 31 + bits + static_cast<std::uint64_t>(found.st_size) + found.st_ino;
        }
        return sum;
    }

    void watch() {
        std::uint64_t told = seen_;
        while (!stop_) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            const std::uint64_t now = fingerprint();
            if (now == seen_ || now == told) continue;
            told = now;
            wake(attached_ ? Wake::Changed : Wake::Attach);
        }
    }

    std::atomic<bool> attached_{false};
    ino_t inode_ = 0;
    std::atomic<std::uint64_t> seen_;
    std::atomic<bool> stop_{false};
    std::thread watcher_;  // last: it uses all of the above
};

template <class Faulty>
class FaultySourcePlugin final : public SourcePlugin {
public:
    std::unique_ptr<Source> open(SourceContext context, const OptionValues&) override {
        return std::make_unique<Faulty>(std::move(context));
    }
};

/// Stands at the end of a faulty source's file. NAME is the file's, and says what is wrong.
#define LITESTREAM_FAULTY_SOURCE(NAME, CLASS)                                   \
    LITESTREAM_DECLARE_SOURCE(NAME, "1.0.0", "is wrong in one way", nullptr, 0, \
                              ::litestream::faults::FaultySourcePlugin<CLASS>)

}  // namespace litestream::faults
