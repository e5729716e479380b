#include "restore/Times.h"

#include "Fixture.h"

#include <atomic>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <random>

#include <gtest/gtest.h>

namespace litestream::restore::test {
namespace {

using replica::FileInfo;

/// A store whose listings tell its own time, as object stores do. Only head() is asked here, or get() for a header where it keeps no time of ours.
class LaterStore final : public Transport {
public:
    explicit LaterStore(bool listsTimestamp = false, bool keepsTimestamp = true)
        : capabilities_{LayoutFamily::Flat, true, listsTimestamp, true, keepsTimestamp, 8} {}

    const TransportCapabilities& capabilities() const noexcept override { return capabilities_; }
    std::vector<std::pair<std::string, std::string>> describe() const override { return {}; }
    std::uint64_t put(const std::string&, Body&, const PutOptions&, const CallContext&) override { return refuse("put"); }
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext&) override {
        const auto header = headers.find(key);
        if (header == headers.end()) return refuse("get");
        const ConstBytes bytes = ConstBytes(header->second).subspan(offset);
        const std::size_t count = std::min(into.size(), bytes.size());
        std::copy_n(bytes.begin(), count, into.begin());
        return count;
    }
    std::vector<ObjectInfo> list(std::string_view, std::string_view, std::size_t, const CallContext&) override {
        refuse("list");
        return {};
    }
    std::vector<RemoveFailure> remove(std::span<const std::string>, const CallContext&) override {
        refuse("remove");
        return {};
    }
    ObjectInfo head(const std::string& key, const CallContext&) override {
        const Visit visit(*this);
        const std::lock_guard lock(mutex_);
        ++heads[key];
        mostAtOnce = std::max(mostAtOnce, inside_.load());
        if (failure) throw Error(*failure, "head " + key + ": failed");
        const auto found = times.find(key);
        if (found == times.end()) throw Error(ErrorCode::NotFound, "head " + key + ": no such object");
        return {key, 1000, found->second};
    }

    std::size_t requests() const {
        std::size_t sum = 0;
        for (const auto& [key, count] : heads) sum += count;
        return sum;
    }

    std::map<std::string, Timestamp> times;
    std::map<std::string, std::vector<std::byte>> headers;
    std::map<std::string, std::size_t> heads;
    unsigned mostAtOnce = 0;
    std::optional<ErrorCode> failure;

private:
    static std::uint64_t refuse(const std::string& operation) { throw Error(ErrorCode::Unsupported, operation); }

    struct Visit {
        explicit Visit(LaterStore& s) : store(s) { ++store.inside_; }
        ~Visit() { --store.inside_; }
        LaterStore& store;
    };

    const TransportCapabilities capabilities_;
    std::atomic<unsigned> inside_{0};
    std::mutex mutex_;  // guards what head() writes
};

/// A replica as it is, and what its listing says of it.
class Times : public ::testing::Test {
protected:
    void add(std::uint32_t level, std::uint64_t min, std::uint64_t max, std::int64_t exact) {
        const FileInfo file{{replica::Level{level}, {Txid{min}, Txid{max}}}, 1000, Timestamp{exact}};
        exact_.push_back(file);
        listed_.push_back(file);
        // Any time will do: nothing may be concluded from it.
        listed_.back().timestamp = Timestamp{exact % 7 * 1000};
        transport_->times[store_.layout().key(file.id)] = Timestamp{exact};
    }
    std::vector<FileInfo> planned(std::int64_t time, unsigned parallelism = 8) {
        return planExactly(store_, listed_, {{}, Timestamp{time}}, parallelism);
    }
    /// What plan() makes of the exact times; empty when there is none.
    std::vector<FileInfo> wanted(std::int64_t time) const {
        try {
            return plan(exact_, {{}, Timestamp{time}});
        } catch (const Error&) {
            return {};
        }
    }

    std::vector<FileInfo> exact_;
    std::vector<FileInfo> listed_;
    LaterStore* transport_ = new LaterStore;
    replica::ReplicaStore store_{std::unique_ptr<Transport>(transport_)};
};

TEST_F(Times, T63_DecidesByTheExactTimeOfAFile) {
    add(9, 1, 1, 100);
    add(0, 2, 2, 200);
    add(0, 3, 3, 300);
    EXPECT_EQ(planNames(planned(300)), planNames(wanted(300)));
    const auto made = planned(301);
    ASSERT_EQ(made.size(), 3u);
    EXPECT_EQ(made[2].timestamp, Timestamp{300}) << "the plan tells exact times";
    EXPECT_EQ(errorOf([&] { planned(100); }).code(), ErrorCode::NotFound);
}

TEST_F(Times, AsksOnlyWhereATimeIsWanted) {
    add(9, 1, 1, 100);
    add(0, 2, 2, 200);
    EXPECT_EQ(planExactly(store_, listed_, {}, 8).size(), 2u);
    EXPECT_EQ(planExactly(store_, listed_, {Txid{1}, {}}, 8).size(), 1u);
    EXPECT_EQ(transport_->requests(), 0u);
}

TEST_F(Times, AsksNothingOfAStoreThatListsThem) {
    auto transport = std::make_unique<LaterStore>(true);
    const LaterStore& watched = *transport;
    replica::ReplicaStore store(std::move(transport));
    add(9, 1, 1, 100);
    EXPECT_EQ(planExactly(store, exact_, {{}, Timestamp{101}}, 8).size(), 1u);
    EXPECT_EQ(exactTime(store, exact_[0], {}), Timestamp{100});
    EXPECT_EQ(watched.requests(), 0u);
}

TEST_F(Times, T63_AreReadFromTheFilesOfAStoreThatKeepsNone) {
    auto transport = std::make_unique<LaterStore>(false, false);
    LaterStore& watched = *transport;
    replica::ReplicaStore store(std::move(transport));
    add(9, 1, 1, 100);
    add(0, 2, 2, 200);
    add(0, 3, 3, 300);
    for (std::size_t i = 0; i < exact_.size(); ++i) {
        ltx::Header header;
        header.pageSize = 4096;
        header.commit = 1;
        header.minTxid = exact_[i].id.range.min;
        header.maxTxid = exact_[i].id.range.max;
        header.timestamp = exact_[i].timestamp;
        const auto bytes = ltx::encode(header);
        const std::string key = store.layout().key(exact_[i].id);
        watched.headers[key] = {bytes.begin(), bytes.end()};
        watched.times[key] = listed_[i].timestamp;
    }
    EXPECT_EQ(planNames(planExactly(store, listed_, {{}, Timestamp{300}}, 8)), planNames(wanted(300)));
    EXPECT_EQ(exactTime(store, listed_[2], {}), Timestamp{300});
}

TEST_F(Times, T72_AsksForWhatMattersAndNotForTheRest) {
    // Snapshots every hundred transactions, with all the files between them.
    for (std::uint64_t txid = 1; txid <= 1000; ++txid) {
        add(0, txid, txid, static_cast<std::int64_t>(txid * 10));
        if (txid % 100 == 0) add(9, 1, txid, static_cast<std::int64_t>(txid * 10 + 1));
    }
    EXPECT_EQ(planNames(planned(5'255)), planNames(wanted(5'255)));
    EXPECT_LE(transport_->requests(), 200u);
    for (const auto& [key, count] : transport_->heads) EXPECT_EQ(count, 1u) << key;
}

TEST_F(Times, T72_AHundredThousandObjectsDoNotCostARequestEach) {
    // A transaction each second and all levels, nothing deleted.
    constexpr std::uint64_t kTransactions = 100'000;
    add(9, 1, 1, 1000);
    add(9, 1, 50'000, 50'000'000);
    for (std::uint64_t txid = 2; txid <= kTransactions; ++txid) {
        const auto time = static_cast<std::int64_t>(txid * 1000);
        add(0, txid, txid, time);
        std::uint32_t level = 0;
        for (const std::uint64_t length : {30, 300, 3600}) {
            ++level;
            if (txid % length == 1) add(level, txid - length + 1, txid, time);
        }
    }
    for (const std::int64_t time : {77'123'456, 49'000'000, 99'999'999}) {
        transport_->heads.clear();
        const auto made = planned(time);
        EXPECT_EQ(made.back().id.range.max.value, static_cast<std::uint64_t>((time - 1) / 1000));  // strictly older
        EXPECT_LE(transport_->requests(), 300u) << time;
    }
}

TEST_F(Times, AsksWithAFewThreadsAtOnce) {
    for (std::uint64_t txid = 1; txid <= 300; ++txid) add(0, txid, txid, static_cast<std::int64_t>(txid));
    EXPECT_EQ(planned(1'000, 1).size(), 300u);
    EXPECT_EQ(transport_->mostAtOnce, 1u);
    EXPECT_EQ(planned(1'000, 3).size(), 300u);
    EXPECT_LE(transport_->mostAtOnce, 3u);
}

TEST_F(Times, AFileThatIsGoneIsInNoPlan) {
    add(9, 1, 1, 100);
    add(1, 2, 5, 500);
    for (std::uint64_t txid = 2; txid <= 5; ++txid) add(0, txid, txid, static_cast<std::int64_t>(txid * 100));
    transport_->times.erase("0001/0000000000000002-0000000000000005.ltx");
    EXPECT_EQ(planned(1'000).size(), 5u);
}

TEST_F(Times, AFailureIsNoAnswer) {
    add(9, 1, 1, 100);
    transport_->failure = ErrorCode::Denied;
    EXPECT_EQ(errorOf([&] { planned(101); }).code(), ErrorCode::Denied);
}

TEST_F(Times, AreTheSamePlansAsWithAllTimesKnownWhateverTheTimes) {
    const auto seed = std::random_device{}();
    std::mt19937 random(seed);
    const auto below = [&](std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(random); };
    for (int round = 0; round < 300; ++round) {
        exact_.clear();
        listed_.clear();
        transport_->times.clear();
        for (std::uint64_t n = below(40); n > 0; --n) {
            const auto level = static_cast<std::uint32_t>(below(10));
            const std::uint64_t min = level == 9 ? 1 : 1 + below(20);
            add(level, min, level == 0 ? min : min + below(9), static_cast<std::int64_t>(below(12)));
        }
        const auto byId = [](const FileInfo& a, const FileInfo& b) { return a.id < b.id; };
        const auto same = [](const FileInfo& a, const FileInfo& b) { return a.id == b.id; };
        for (auto* files : {&exact_, &listed_}) {
            std::stable_sort(files->begin(), files->end(), byId);
            files->erase(std::unique(files->begin(), files->end(), same), files->end());
        }
        for (const auto& file : exact_) transport_->times[store_.layout().key(file.id)] = file.timestamp;
        const auto time = static_cast<std::int64_t>(below(14));
        std::vector<FileInfo> made;
        try {
            made = planned(time, 2);
        } catch (const Error& error) {
            ASSERT_EQ(error.code(), ErrorCode::NotFound) << error.what();
        }
        ASSERT_EQ(planNames(made), planNames(wanted(time))) << "seed " << seed << ", round " << round;
    }
}

}  // namespace
}  // namespace litestream::restore::test
