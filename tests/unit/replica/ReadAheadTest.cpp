#include "replica/ReadAhead.h"

#include "support/ErrorOf.h"
#include "support/MemoryStore.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>

namespace litestream::replica {
namespace {

using litestream::test::BorrowedStore;
using litestream::test::errorOf;
using litestream::test::MemoryStore;

/// A store that counts the reads that are under way, and lets a test hold them.
class SlowStore final : public Transport {
public:
    explicit SlowStore(MemoryStore& store) : store_(store) {}
    const TransportCapabilities& capabilities() const noexcept override { return store_.capabilities(); }
    std::vector<std::pair<std::string, std::string>> describe() const override { return {}; }
    std::uint64_t put(const std::string&, Body&, const PutOptions&, const CallContext&) override { return 0; }
    ObjectInfo head(const std::string& key, const CallContext& context) override { return store_.head(key, context); }
    std::vector<ObjectInfo> list(std::string_view, std::string_view, std::size_t, const CallContext&) override { return {}; }
    std::vector<RemoveFailure> remove(std::span<const std::string>, const CallContext&) override { return {}; }

    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext& context) override {
        const auto registration = context.cancellation.onCancel([this] {
            const std::lock_guard lock(mutex_);
            changed_.notify_all();
        });
        std::unique_lock lock(mutex_);
        most_ = std::max(most_, ++underway_);
        changed_.notify_all();
        changed_.wait_for(lock, std::chrono::seconds(60), [&] { return most_ >= wanted_ || context.cancellation.cancelled(); });
        --underway_;
        lock.unlock();
        context.check("get");
        return store_.get(key, offset, into, context);
    }

    /// From now on reads wait until `count` of them are under way at once.
    void want(unsigned count) {
        const std::lock_guard lock(mutex_);
        wanted_ = count;
    }
    unsigned most() {
        const std::lock_guard lock(mutex_);
        return most_;
    }
    void waitForReads(unsigned count) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(60), [&] { return underway_ >= count; });
    }

private:
    MemoryStore& store_;
    std::mutex mutex_;  // guards everything below
    std::condition_variable changed_;
    unsigned underway_ = 0;
    unsigned most_ = 0;
    unsigned wanted_ = 0;
};

class ReadAheadTest : public ::testing::Test {
protected:
    FileInfo put(std::uint64_t txid, std::size_t size) {
        std::string content(size, '\0');
        for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<char>((i * 31 + txid * 7) % 251);
        const FileInfo file{{kLevel0, {Txid{txid}, Txid{txid}}}, size, {}};
        memory_.insert(store_.layout().key(file.id), content, {});
        return file;
    }
    const std::string& contentOf(const FileInfo& file) { return memory_.content(store_.layout().key(file.id)); }

    /// Reads on, in bites of `bite` bytes.
    static std::string readAll(const ltx::ByteSource& source, std::size_t bite) {
        std::string all;
        std::vector<std::byte> into(bite);
        while (const std::size_t got = source(into)) all.append(reinterpret_cast<const char*>(into.data()), got);
        return all;
    }

    MemoryStore memory_;
    SlowStore* slow_ = new SlowStore(memory_);  // the store below owns it
    ReplicaStore store_{std::unique_ptr<Transport>(slow_)};
    CancellationSource cancellation_;
    const CallContext context_ = CallContext::within(std::chrono::minutes(5), cancellation_.token());
};

TEST_F(ReadAheadTest, BringsEveryByteOfEveryFile) {
    const std::vector<FileInfo> files{put(1, 0), put(2, 1), put(3, 999), put(4, 1000), put(5, 1001), put(6, 54'321)};
    for (const unsigned helpers : {0u, 1u, 3u}) {
        ReadAhead reading(store_, context_, helpers);
        std::vector<ltx::ByteSource> sources;
        for (const auto& file : files) sources.push_back(reading.open(file, 1000));
        for (std::size_t i = files.size(); i-- > 0;) {
            EXPECT_EQ(readAll(sources[i], 77 + i * 500), contentOf(files[i])) << helpers << " helpers, file " << i;
            std::byte more[8];
            EXPECT_EQ(sources[i](more), 0u);
        }
    }
}

TEST_F(ReadAheadTest, FetchesWhileAnotherPieceIsUsed) {
    const std::vector<FileInfo> files{put(1, 10'000), put(2, 10'000), put(3, 10'000)};
    slow_->want(3);
    ReadAhead reading(store_, context_, 3);
    std::vector<ltx::ByteSource> sources;
    for (const auto& file : files) sources.push_back(reading.open(file, 1000));
    EXPECT_EQ(readAll(sources[0], 300), contentOf(files[0]));
    EXPECT_GE(slow_->most(), 3u);
}

TEST_F(ReadAheadTest, NeverMakesMoreRequestsAtATimeThanAllowed) {
    std::vector<FileInfo> files;
    for (std::uint64_t txid = 1; txid <= 20; ++txid) files.push_back(put(txid, 5000));
    ReadAhead reading(store_, context_, 2);
    std::vector<ltx::ByteSource> sources;
    for (const auto& file : files) sources.push_back(reading.open(file, 100));
    for (std::size_t i = 0; i < files.size(); ++i) EXPECT_EQ(readAll(sources[i], 64), contentOf(files[i]));
    EXPECT_LE(slow_->most(), 3u);
}

TEST_F(ReadAheadTest, HoldsTwoPiecesOfAFileAndAsksForNoMore) {
    const FileInfo file = put(1, 10'000);
    ReadAhead reading(store_, context_, 2);
    const auto source = reading.open(file, 1000);
    std::byte one[1];
    ASSERT_EQ(source(one), 1u);
    ASSERT_TRUE(memory_.waitForRequests("GET", 2));
    for (int i = 0; i < 900; ++i) ASSERT_EQ(source(one), 1u);
    EXPECT_EQ(memory_.requests()["GET"], 2u);
}

TEST_F(ReadAheadTest, AnErrorComesWithItsPieceAndStays) {
    const FileInfo good = put(1, 3000);
    FileInfo shorter = put(2, 1500);
    shorter.size = 3000;
    ReadAhead reading(store_, context_, 2);
    const auto first = reading.open(good, 1000);
    const auto second = reading.open(shorter, 1000);
    std::vector<std::byte> piece(1000);
    EXPECT_EQ(second(piece), 1000u);
    EXPECT_EQ(errorOf([&] { second(piece); }).code(), ErrorCode::Corrupt);
    EXPECT_EQ(errorOf([&] { second(piece); }).code(), ErrorCode::Corrupt);
    EXPECT_EQ(readAll(first, 400), contentOf(good));
}

TEST_F(ReadAheadTest, EndsWhenItsCallerIsCancelled) {
    const FileInfo file = put(1, 3000);
    slow_->want(100);
    ReadAhead reading(store_, context_, 1);
    const auto source = reading.open(file, 1000);
    std::thread canceller([&] {
        slow_->waitForReads(1);
        cancellation_.cancel();
    });
    std::vector<std::byte> piece(1000);
    EXPECT_EQ(errorOf([&] { source(piece); }).code(), ErrorCode::Cancelled);
    canceller.join();
}

TEST_F(ReadAheadTest, ItsEndWaitsForNoAnswer) {
    // The store answers after a minute or when it is cancelled; the test's own limit tells the difference.
    std::vector<FileInfo> files{put(1, 3000), put(2, 3000), put(3, 3000)};
    slow_->want(100);
    const auto began = std::chrono::steady_clock::now();
    {
        ReadAhead reading(store_, context_, 2);
        for (const auto& file : files) reading.open(file, 1000);
        slow_->waitForReads(2);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(50));
}

}  // namespace
}  // namespace litestream::replica
