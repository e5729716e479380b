#include "Fixture.h"

#include "ltx/Encoder.h"
#include "transport/Compose.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <random>

#include <gtest/gtest.h>

namespace litestream::restore::test {
namespace {

namespace fs = std::filesystem;
const CallContext kNoLimit;

std::vector<std::byte> encode(const ltx::Header& header, const std::vector<PageNumber>& pages, std::uint64_t seed) {
    static const auto codec = registry().openCodec("lz4", {});
    ltx::MemorySink sink;
    ltx::Encoder encoder(sink, header, *codec);
    std::mt19937_64 random(seed);
    std::vector<std::byte> content(header.pageSize);
    for (const PageNumber page : pages) {
        std::generate(content.begin(), content.end(), [&] { return static_cast<std::byte>(random()); });
        encoder.addPage(page, content);
    }
    encoder.finish();
    return sink.bytes();
}

/// A replica of random pages: a snapshot of 2 MiB, so that it is read in ranges, and two small files.
class Replica {
public:
    static constexpr std::uint32_t kPageSize = 4096;
    static constexpr std::uint32_t kCommit = 512;

    Replica() {
        std::vector<PageNumber> all(kCommit);
        for (PageNumber page = 1; page <= kCommit; ++page) all[page - 1] = page;
        add({replica::kSnapshotLevel, {Txid{1}, Txid{4}}}, all);
        add({replica::kLevel0, {Txid{5}, Txid{5}}}, {1, 2, 300});
        add({replica::kLevel0, {Txid{6}, Txid{6}}}, {1, 299, 512});
    }

    void add(const replica::FileId& id, const std::vector<PageNumber>& pages) {
        ltx::Header header;
        header.pageSize = kPageSize;
        header.commit = kCommit;
        header.minTxid = id.range.min;
        header.maxTxid = id.range.max;
        write(id, encode(header, pages, id.range.max.value));
    }

    void write(const replica::FileId& id, ConstBytes bytes) {
        const fs::path file = pathOf(id);
        fs::create_directories(file.parent_path());
        writeBytes(file, bytes);
    }

    fs::path root() const { return directory_.path() / "replica"; }
    fs::path output() const { return directory_.path() / "out" / "app.db"; }
    fs::path pathOf(const replica::FileId& id) const {
        return root() / "ltx" / std::to_string(id.level.value) / ltx::fileName(id.range);
    }

private:
    TemporaryDirectory directory_;
};

void expectNothingLeft(const Replica& replica) { EXPECT_FALSE(fs::exists(replica.output().parent_path())); }

TEST(Restore, WritesEachPageInItsNewestVersion) {
    const Replica replica;
    auto store = openStore(replica.root());
    const Result result = restoreLatest(store, replica.output());
    EXPECT_EQ(result.txid, Txid{6});
    EXPECT_EQ(result.commit, Replica::kCommit);
    // The same by the slow way: every file decoded from front to back, one over the other.
    std::vector<std::byte> expected(std::size_t{Replica::kCommit} * Replica::kPageSize);
    for (const auto& file : plan(store.listAll(kNoLimit), {})) {
        ltx::Decoder decoder(store.open(file, kNoLimit), codecs());
        std::vector<std::byte> content(Replica::kPageSize);
        while (const PageNumber page = decoder.next(content)) {
            std::copy(content.begin(), content.end(), expected.begin() + static_cast<std::ptrdiff_t>((page - 1) * std::size_t{Replica::kPageSize}));
        }
    }
    EXPECT_TRUE(readBytes(replica.output()) == expected);
    EXPECT_EQ(fs::status(replica.output()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST(Restore, T65_RefusesEveryTruncationByName) {
    Replica replica;
    auto store = openStore(replica.root());
    for (const auto& file : store.listAll(kNoLimit)) {
        const auto whole = readBytes(replica.pathOf(file.id));
        for (const std::size_t kept : {std::size_t{0}, std::size_t{99}, std::size_t{100}, std::size_t{116}, std::size_t{5000}, whole.size() - 17,
                                       whole.size() - 16, whole.size() - 8, whole.size() - 1}) {
            SCOPED_TRACE(planNames({file}).front() + " cut to " + std::to_string(kept));
            replica.write(file.id, ConstBytes(whole).first(kept));
            // Both orders of events: the listing knows, or the file was cut after it.
            const auto fresh = plan(store.listAll(kNoLimit), {});
            auto stale = fresh;
            for (auto& one : stale) {
                if (one.id == file.id) one.size = whole.size();
            }
            for (const auto& made : {fresh, stale}) {
                Options options;
                options.output = replica.output();
                const Error error = errorOf([&] { restore(store, made, codecs(), options); });
                EXPECT_EQ(error.code(), ErrorCode::Corrupt);
                EXPECT_NE(std::string(error.what()).find(ltx::fileName(file.id.range)), std::string::npos) << error.what();
                expectNothingLeft(replica);
            }
        }
        replica.write(file.id, whole);
    }
}

TEST(Restore, T65_RefusesEveryFlippedByteByName) {
    const auto seed = std::random_device{}();
    std::mt19937_64 random(seed);
    Replica replica;
    auto store = openStore(replica.root());
    restoreLatest(store, replica.output());
    const auto database = readBytes(replica.output());
    fs::remove_all(replica.output().parent_path());
    for (const auto& file : store.listAll(kNoLimit)) {
        const auto whole = readBytes(replica.pathOf(file.id));
        for (int round = 0; round < 60; ++round) {
            auto damaged = whole;
            // The ends have most of the structure.
            const std::size_t at = round < 20 ? random() % 130 : round < 40 ? whole.size() - 1 - random() % 60 : random() % whole.size();
            damaged[at] ^= static_cast<std::byte>(1u << (random() % 8));
            SCOPED_TRACE("seed " + std::to_string(seed) + ", byte " + std::to_string(at) + " of " + planNames({file}).front());
            replica.write(file.id, damaged);
            try {
                restoreLatest(store, replica.output());
                // Some bits of an LZ4 block mean nothing (the match length of a last literal run), and the format has no checksum
                // of packed bytes: then nothing was damaged.
                EXPECT_TRUE(readBytes(replica.output()) == database) << "a flipped bit was restored";
                fs::remove_all(replica.output().parent_path());
            } catch (const Error& error) {
                EXPECT_NE(std::string(error.what()).find(ltx::fileName(file.id.range)), std::string::npos) << error.what();
                EXPECT_TRUE(error.code() == ErrorCode::Corrupt || error.code() == ErrorCode::Unsupported) << error.what();
            }
            expectNothingLeft(replica);
        }
        replica.write(file.id, whole);
    }
}

TEST(Restore, T65_RefusesAFileThatWentAwayByName) {
    const Replica replica;
    auto store = openStore(replica.root());
    const auto made = plan(store.listAll(kNoLimit), {});
    for (const auto& file : made) {
        const auto whole = readBytes(replica.pathOf(file.id));
        fs::remove(replica.pathOf(file.id));
        Options options;
        options.output = replica.output();
        const Error error = errorOf([&] { restore(store, made, codecs(), options); });
        EXPECT_EQ(error.code(), ErrorCode::NotFound);
        EXPECT_NE(std::string(error.what()).find(ltx::fileName(file.id.range)), std::string::npos) << error.what();
        expectNothingLeft(replica);
        writeBytes(replica.pathOf(file.id), whole);
    }
}

TEST(Restore, NamesTheMissingPage) {
    Replica replica;
    ltx::Header header;
    header.pageSize = Replica::kPageSize;
    header.commit = Replica::kCommit + 2;  // grows, and brings only the last page
    header.minTxid = header.maxTxid = Txid{7};
    replica.write({replica::kLevel0, {Txid{7}, Txid{7}}}, encode(header, {Replica::kCommit + 2}, 7));
    auto store = openStore(replica.root());
    const Error error = errorOf([&] { restoreLatest(store, replica.output()); });
    EXPECT_EQ(error.code(), ErrorCode::Corrupt);
    EXPECT_NE(std::string(error.what()).find("page 513 of 514"), std::string::npos) << error.what();
    expectNothingLeft(replica);
}

TEST(Restore, RefusesHeadersThatContradictTheirNamesOrNeighbours) {
    Replica replica;
    ltx::Header header;
    header.pageSize = Replica::kPageSize;
    header.commit = Replica::kCommit;
    header.minTxid = header.maxTxid = Txid{8};
    replica.write({replica::kLevel0, {Txid{7}, Txid{7}}}, encode(header, {1}, 7));
    auto store = openStore(replica.root());
    EXPECT_EQ(errorOf([&] { restoreLatest(store, replica.output()); }).code(), ErrorCode::Corrupt);

    header.minTxid = header.maxTxid = Txid{7};
    header.pageSize = 8192;
    replica.write({replica::kLevel0, {Txid{7}, Txid{7}}}, encode(header, {1}, 7));
    EXPECT_EQ(errorOf([&] { restoreLatest(store, replica.output()); }).code(), ErrorCode::Corrupt);

    // It goes on where the others end, but not as far as its name promises.
    header.pageSize = Replica::kPageSize;
    replica.write({replica::kLevel0, {Txid{7}, Txid{7}}}, encode(header, {1}, 7));
    replica.write({replica::Level{1}, {Txid{7}, Txid{9}}}, encode(header, {1}, 7));
    const Error error = errorOf([&] { restoreLatest(store, replica.output()); });
    EXPECT_NE(std::string(error.what()).find("its header says TXID 0000000000000007-0000000000000007"), std::string::npos) << error.what();
    expectNothingLeft(replica);
}

TEST(Restore, T66_LeavesAnExistingOutputAloneOnFailure) {
    Replica replica;
    auto store = openStore(replica.root());
    fs::create_directories(replica.output().parent_path());
    const std::string old = "what was here before";
    writeBytes(replica.output(), std::as_bytes(std::span(old)));
    writeBytes(replica.output().string() + "-wal", std::as_bytes(std::span(old)));
    writeBytes(replica.output().string() + ".tmp", std::as_bytes(std::span(old)));

    const replica::FileId newest{replica::kLevel0, {Txid{6}, Txid{6}}};
    auto damaged = readBytes(replica.pathOf(newest));
    damaged.back() ^= std::byte{1};
    const auto whole = readBytes(replica.pathOf(newest));
    replica.write(newest, damaged);
    errorOf([&] { restoreLatest(store, replica.output()); });
    EXPECT_EQ(readBytes(replica.output()).size(), old.size());
    EXPECT_EQ(namesIn(replica.output().parent_path()), (std::vector<std::string>{"app.db", "app.db-wal"}));

    replica.write(newest, whole);
    restoreLatest(store, replica.output());
    EXPECT_EQ(fs::file_size(replica.output()), std::uint64_t{Replica::kCommit} * Replica::kPageSize);
    EXPECT_EQ(namesIn(replica.output().parent_path()), std::vector<std::string>{"app.db"});
}

TEST(Restore, RefusesAStrayLogThatSqliteWouldApply) {
    const Replica replica;
    auto store = openStore(replica.root());
    fs::create_directories(replica.output().parent_path());
    writeBytes(replica.output().string() + "-wal", {});
    const Error error = errorOf([&] { restoreLatest(store, replica.output()); });
    EXPECT_EQ(error.code(), ErrorCode::Conflict);
    EXPECT_EQ(namesIn(replica.output().parent_path()), std::vector<std::string>{"app.db-wal"});
}

TEST(Restore, ReportsWhatSqliteFindsWrongAndRemovesTheFile) {
    const Replica replica;  // random pages are no database
    auto store = openStore(replica.root());
    for (const auto check : {IntegrityCheck::Quick, IntegrityCheck::Full}) {
        const Error error = errorOf([&] { restoreLatest(store, replica.output(), check); });
        EXPECT_EQ(error.code(), ErrorCode::Corrupt);
        EXPECT_TRUE(std::string(error.what()).starts_with("post-restore integrity check: integrity check failed: ")) << error.what();
        expectNothingLeft(replica);
    }
}

TEST(Restore, HealsFromFailuresThatPass) {
    const Replica replica;
    std::atomic<int> calls{0};
    auto failing = watched(openTransport(replica.root()), [&](const std::string& key) {
        if (calls++ % 3 == 0) throw Error(ErrorCode::Transient, "get " + key + ": connection reset by peer");
    });
    replica::ReplicaStore store(transport::compose(std::move(failing), {}));
    Options options;
    options.output = replica.output();
    options.parallelism = 1;  // so that no request meets two failures in a row
    restore(store, plan(store.listAll(kNoLimit), {}), codecs(), options);
    EXPECT_TRUE(fs::exists(replica.output()));
}

TEST(Restore, EndsSoonAndCleanlyWhenCancelledAtAnyRequest) {
    const Replica replica;
    for (int at = 0; at < 6; ++at) {
        CancellationSource source;
        std::atomic<int> calls{0};
        replica::ReplicaStore store(watched(openTransport(replica.root()), [&](const std::string&) {
            if (calls++ == at) source.cancel();
        }));
        Options options;
        options.output = replica.output();
        options.parallelism = 3;
        options.cancellation = source.token();
        const Error error = errorOf([&] { restore(store, plan(store.listAll(kNoLimit), {}), codecs(), options); });
        EXPECT_EQ(error.code(), ErrorCode::Cancelled) << error.what();
        expectNothingLeft(replica);
    }
}

TEST(Restore, TellsProgressUpToTheEnd) {
    const Replica replica;
    auto store = openStore(replica.root());
    Progress last;
    Options options;
    options.output = replica.output();
    options.progress = [&](const Progress& progress) {
        EXPECT_GE(progress.doneBytes, last.doneBytes);
        last = progress;
    };
    const Result result = restore(store, plan(store.listAll(kNoLimit), {}), codecs(), options);
    EXPECT_EQ(last.doneBytes, last.totalBytes);
    EXPECT_EQ(last.doneBytes, result.fetchedBytes);
    std::uint64_t all = 0;
    for (const auto& file : store.listAll(kNoLimit)) all += file.size;
    EXPECT_EQ(result.fetchedBytes, all);
}

TEST(Restore, FetchesASmallFileWithOneRequest) {
    const Replica replica;
    std::atomic<int> small{0};
    replica::ReplicaStore store(watched(openTransport(replica.root()), [&](const std::string& key) {
        if (key.starts_with("ltx/0/")) ++small;
    }));
    restoreLatest(store, replica.output());
    EXPECT_EQ(small, 2);
}

TEST(Restore, T58_FetchesALargeFileWithBoundedRequests) {
    const Replica replica;
    std::atomic<int> large{0};
    replica::ReplicaStore store(watched(openTransport(replica.root()), [&](const std::string& key) {
        if (key.starts_with("ltx/9/")) ++large;
    }));
    restoreLatest(store, replica.output());
    EXPECT_GE(large, 2 + 3) << "both ends, and more than 2 MiB of pages, a mebibyte at a time";
}

TEST(Restore, SkipsWhatANewerFileReplaces) {
    Replica replica;
    std::vector<PageNumber> half;
    for (PageNumber page = 200; page <= 400; ++page) half.push_back(page);
    replica.add({replica::Level{1}, {Txid{7}, Txid{9}}}, half);
    auto store = openStore(replica.root());
    const Result result = restoreLatest(store, replica.output());
    std::uint64_t all = 0;
    for (const auto& file : store.listAll(kNoLimit)) all += file.size;
    EXPECT_LT(result.fetchedBytes, all - 700'000);
}

TEST(Restore, LeavesTheLockPageZero) {
    // The smallest database that reaches its lock page: 16387 pages of 64 KiB, nearly all of them empty.
    constexpr std::uint32_t kPageSize = 65536;
    constexpr std::uint32_t kCommit = 16387;
    const TemporaryDirectory directory;
    const auto codec = registry().openCodec("lz4", {});
    ltx::MemorySink sink;
    ltx::Header header;
    header.pageSize = kPageSize;
    header.commit = kCommit;
    header.minTxid = header.maxTxid = Txid{1};
    ltx::Encoder encoder(sink, header, *codec);
    std::vector<std::byte> content(kPageSize);
    for (PageNumber page = 1; page <= kCommit; ++page) {
        if (page == lockPage(kPageSize)) continue;
        content[0] = static_cast<std::byte>(page == 16384 || page == 16386 ? 0xEE : 1);
        encoder.addPage(page, content);
    }
    encoder.finish();
    const fs::path level = directory.path() / "replica/ltx/9";
    fs::create_directories(level);
    writeBytes(level / ltx::fileName({Txid{1}, Txid{1}}), sink.bytes());

    auto store = openStore(directory.path() / "replica");
    restoreLatest(store, directory.path() / "lock.db");
    ASSERT_EQ(fs::file_size(directory.path() / "lock.db"), std::uint64_t{kCommit} * kPageSize);
    std::ifstream database(directory.path() / "lock.db", std::ios::binary);
    const auto pageAt = [&](PageNumber page) {
        std::string bytes(kPageSize, '?');
        database.seekg(static_cast<std::streamoff>((page - std::uint64_t{1}) * kPageSize));
        database.read(bytes.data(), kPageSize);
        return bytes;
    };
    EXPECT_EQ(pageAt(16384).front(), '\xEE');
    EXPECT_EQ(pageAt(16385), std::string(kPageSize, '\0'));
    EXPECT_EQ(pageAt(16386).front(), '\xEE');
    EXPECT_EQ(pageAt(16387).front(), '\x01');
}

}  // namespace
}  // namespace litestream::restore::test
