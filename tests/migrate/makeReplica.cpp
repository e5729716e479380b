// makeReplica DIRECTORY DATABASE OBJECTS BYTES [SEED]: a database that SQLite writes, and its replica in a directory: as many level-0 files as asked for, of
// about so many bytes, with two snapshots beside them. It is what a daemon of ours leaves behind after days, made in seconds.

#include "ltx/Encoder.h"
#include "plugin/Registry.h"
#include "replica/Layout.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace litestream;
namespace fs = std::filesystem;

constexpr std::uint32_t kPageSize = 4096;
constexpr std::uint64_t kRows = 1500;
constexpr std::size_t kRowBytes = 3900;  // nearly a page
constexpr std::int64_t kBegin = 1'700'000'000'000;
constexpr std::uint64_t kLineage = 0x1de5;

void check(int code, sqlite3* db) {
    if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW) throw std::runtime_error(sqlite3_errmsg(db));
}

class Maker {
public:
    Maker(fs::path replica, const fs::path& database, std::uint64_t seed)
        : replica_(std::move(replica)), database_(database), random_(seed), registry_(plugin::Registry::load(plugin::Registry::searchPath({}))),
          codec_(registry_->openCodec("lz4", {})) {
        check(sqlite3_open(database.c_str(), &db_), db_);
        run("PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; CREATE TABLE t (id INTEGER PRIMARY KEY, blob BLOB)");
        check(sqlite3_prepare_v2(db_, "INSERT OR REPLACE INTO t VALUES (?, ?)", -1, &insert_, nullptr), db_);
    }
    ~Maker() {
        sqlite3_finalize(insert_);
        sqlite3_close(db_);
    }
    Maker(const Maker&) = delete;
    Maker& operator=(const Maker&) = delete;

    void make(std::uint64_t objects, std::uint64_t bytes) {
        for (std::uint64_t txid = 1; txid <= objects; ++txid) {
            write(std::max<std::uint64_t>(bytes / kPageSize, 1));
            const auto changed = changedPages();
            store({replica::kLevel0, {Txid{txid}, Txid{txid}}}, changed);
            if (txid == objects / 2 || txid == objects - objects / 8) store({replica::kSnapshotLevel, {Txid{1}, Txid{txid}}}, allPages());
        }
    }

private:
    void run(const char* sql) { check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr), db_); }

    void write(std::uint64_t rows) {
        run("BEGIN");
        std::vector<unsigned char> blob(kRowBytes);
        for (std::uint64_t row = 0; row < rows; ++row) {
            for (auto& byte : blob) byte = static_cast<unsigned char>(random_());
            sqlite3_bind_int64(insert_, 1, static_cast<sqlite3_int64>(random_() % kRows));
            sqlite3_bind_blob(insert_, 2, blob.data(), static_cast<int>(blob.size()), SQLITE_STATIC);
            check(sqlite3_step(insert_), db_);
            sqlite3_reset(insert_);
        }
        run("COMMIT");
    }

    std::vector<PageNumber> changedPages() {
        std::ifstream file(database_, std::ios::binary);
        std::vector<char> now((std::istreambuf_iterator<char>(file)), {});
        std::vector<PageNumber> changed;
        for (std::size_t at = 0; at < now.size(); at += kPageSize) {
            if (at + kPageSize > content_.size() || std::memcmp(now.data() + at, content_.data() + at, kPageSize) != 0) {
                changed.push_back(static_cast<PageNumber>(at / kPageSize + 1));
            }
        }
        content_ = std::move(now);
        return changed;
    }

    std::vector<PageNumber> allPages() const {
        std::vector<PageNumber> pages;
        for (std::size_t page = 1; page <= content_.size() / kPageSize; ++page) pages.push_back(static_cast<PageNumber>(page));
        return pages;
    }

    void store(const replica::FileId& id, const std::vector<PageNumber>& pages) {
        ltx::Header header;
        header.pageSize = kPageSize;
        header.commit = static_cast<std::uint32_t>(content_.size() / kPageSize);
        header.minTxid = id.range.min;
        header.maxTxid = id.range.max;
        header.timestamp = {kBegin + static_cast<std::int64_t>(id.range.max.value) * 1000 + 123};
        header.wal.offset = 32;
        header.nodeId = kLineage;
        sink_.clear();
        ltx::Encoder encoder(sink_, header, *codec_);
        const auto bytes = std::as_bytes(std::span(content_));
        for (const PageNumber page : pages) encoder.addPage(page, bytes.subspan((page - 1) * std::size_t{kPageSize}, kPageSize));
        encoder.finish();
        const fs::path path = replica_ / replica::Layout(LayoutFamily::Tree).key(id);
        fs::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(sink_.bytes().data()), static_cast<std::streamsize>(sink_.bytes().size()));
        const timespec time{header.timestamp.milliseconds / 1000, header.timestamp.milliseconds % 1000 * 1'000'000};
        const timespec times[2] = {time, time};
        ::utimensat(AT_FDCWD, path.c_str(), times, 0);
    }

    const fs::path replica_;
    const fs::path database_;
    std::minstd_rand random_;
    const std::unique_ptr<plugin::Registry> registry_;
    const std::shared_ptr<const Codec> codec_;
    sqlite3* db_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
    std::vector<char> content_;  ///< the database as of the last file
    ltx::MemorySink sink_;
};

}  // namespace

int main(int argc, char** argv) try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (arguments.size() < 4) {
        std::cerr << "usage: makeReplica DIRECTORY DATABASE OBJECTS BYTES [SEED]\n";
        return 2;
    }
    Maker(arguments[0], arguments[1], arguments.size() > 4 ? std::stoull(arguments[4]) : 1).make(std::stoull(arguments[2]), std::stoull(arguments[3]));
    return 0;
} catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
