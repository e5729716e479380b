#include "replica/Uploader.h"

#include "ltx/Encoder.h"
#include "plugin/Registry.h"
#include "transport/Compose.h"

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <map>

namespace litestream::replica {
namespace {

using namespace std::chrono_literals;

/// A store in memory that fails as it is told.
class ScriptedTransport final : public Transport {
public:
    enum class Fault { Refuse, StoreThenFail, Throttle, DiskFull, Conflict, Deadline };

    const TransportCapabilities& capabilities() const noexcept override { return capabilities_; }
    std::vector<std::pair<std::string, std::string>> describe() const override { return {}; }

    std::uint64_t put(const std::string& key, Body& body, const PutOptions& options, const CallContext& context) override {
        std::vector<std::byte> content;
        for (auto run = body.next(); !run.empty(); run = body.next()) content.insert(content.end(), run.begin(), run.end());
        std::unique_lock lock(mutex_);
        attempts.push_back(key);
        patience.push_back(std::chrono::round<std::chrono::seconds>(context.remaining()));
        while (held && !context.cancellation.cancelled()) released_.wait_for(lock, 1ms);
        if (context.cancellation.cancelled()) throw Error(ErrorCode::Cancelled, "put " + key + ": cancelled");
        if (!faults.empty()) {
            const Fault fault = faults.front();
            faults.erase(faults.begin());
            if (fault == Fault::StoreThenFail) objects[key] = content;
            if (fault == Fault::Throttle) throw Error(ErrorCode::Throttled, "put " + key + ": slow down");
            if (fault == Fault::Conflict) throw Error(ErrorCode::Conflict, "put " + key + ": another call is under way");
            if (fault == Fault::Deadline) throw Error(ErrorCode::Cancelled, "put " + key + ": deadline passed");
            if (fault == Fault::DiskFull) throw Error(ErrorCode::DiskFull, "put " + key + ": no space left");
            throw Error(ErrorCode::Transient, "put " + key + ": connection reset by peer");
        }
        if (options.onlyIfAbsent && objects.contains(key)) throw Error(ErrorCode::Conflict, "put " + key + ": exists");
        objects[key] = content;
        return content.size();
    }
    std::size_t get(const std::string& key, std::uint64_t offset, MutableBytes into, const CallContext&) override {
        const std::unique_lock lock(mutex_);
        const auto found = objects.find(key);
        if (found == objects.end()) throw Error(ErrorCode::NotFound, "get " + key);
        const auto& content = found->second;
        if (offset >= content.size()) return 0;
        const std::size_t count = std::min<std::size_t>(into.size(), content.size() - offset);
        std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
        if (flips > 0) {
            --flips;
            into[count / 2] ^= std::byte{1};
        }
        return count;
    }
    ObjectInfo head(const std::string& key, const CallContext&) override {
        const std::unique_lock lock(mutex_);
        if (!headFaults.empty()) {
            const ErrorCode code = headFaults.front();
            headFaults.erase(headFaults.begin());
            if (code == ErrorCode::NotFound) objects.erase(key);
            throw Error(code, "head " + key + ": failed");
        }
        return {key, objects.at(key).size(), {}};
    }
    std::vector<ObjectInfo> list(std::string_view, std::string_view, std::size_t, const CallContext&) override { return {}; }
    std::vector<RemoveFailure> remove(std::span<const std::string>, const CallContext&) override { return {}; }

    void release() {
        const std::unique_lock lock(mutex_);
        held = false;
        released_.notify_all();
    }

    std::mutex mutex_;  // guards everything below
    std::vector<Fault> faults;
    std::vector<ErrorCode> headFaults;  ///< NotFound: somebody removes the object
    unsigned flips = 0;                 ///< GETs that bring a wrong bit
    std::vector<std::string> attempts;
    std::vector<std::chrono::seconds> patience;  ///< left at each attempt
    std::map<std::string, std::vector<std::byte>> objects;
    bool held = false;

private:
    std::condition_variable released_;
    TransportCapabilities capabilities_{LayoutFamily::Tree, true, false, false, true, 4};
};

/// A real LTX file in memory, so that its trailer can be compared.
class FileContent final : public Content {
public:
    FileContent(Txid txid, unsigned value, const Codec& codec) {
        ltx::Header header;
        header.pageSize = 512;
        header.commit = 1;
        header.minTxid = header.maxTxid = txid;
        header.wal = {32, 0, 0, 0};
        ltx::Encoder encoder(sink_, header, codec);
        encoder.addPage(1, std::vector<std::byte>(512, static_cast<std::byte>(value)));
        checksum_ = encoder.finish().fileChecksum;
    }
    std::unique_ptr<Body> open() const override;
    std::uint64_t size() const noexcept override { return const_cast<ltx::MemorySink&>(sink_).bytes().size(); }
    std::uint64_t fileChecksum() const noexcept override { return checksum_; }
    std::uint64_t expectedSize() const noexcept override { return expected > 0 ? expected : size(); }

    std::uint64_t expected = 0;

private:
    friend class FileBody;
    ltx::MemorySink sink_;
    std::uint64_t checksum_ = 0;
};

class FileBody final : public Body {
public:
    explicit FileBody(ConstBytes bytes) : bytes_(bytes) {}
    std::optional<std::uint64_t> size() const override { return bytes_.size(); }
    ConstBytes next() override { return std::exchange(rest_, {}); }
    void rewind() override { rest_ = bytes_; }

private:
    const ConstBytes bytes_;
    ConstBytes rest_ = bytes_;
};

std::unique_ptr<Body> FileContent::open() const {
    return std::make_unique<FileBody>(const_cast<ltx::MemorySink&>(sink_).bytes());
}

/// Waits that no test notices.
transport::RetryPolicy quick() {
    transport::RetryPolicy policy;
    policy.first = policy.firstThrottled = policy.again = policy.patient = policy.againRoom = 1ms;
    return policy;
}

class UploaderTest : public ::testing::Test {
protected:
    /// Without the attempts inside a call: each fault is a failed call.
    UploaderTest() { make(quick(), std::make_unique<ScriptedTransport>()); }

    void make(const transport::RetryPolicy& policy, std::unique_ptr<ScriptedTransport> scripted, bool composed = false) {
        transport_ = scripted.get();
        std::unique_ptr<Transport> transport = std::move(scripted);
        if (composed) transport = transport::compose(std::move(transport), {.retry = policy});
        store_ = std::make_shared<ReplicaStore>(std::move(transport));
        Uploader::Events events;
        events.stored = [this](const Upload& upload, std::uint64_t) { note([&] { stored_.push_back(upload.file.range.max.value); }); };
        events.failed = [this](const Upload&, const Error& error, unsigned attempt, std::chrono::milliseconds) {
            note([&] { failures_.emplace_back(error.code(), attempt); });
            if (hasty_) uploader_->hurry(10s);
        };
        events.stopped = [this](const std::string& reason) { note([&] { stopped_ = reason; }); };
        uploader_ = std::make_shared<Uploader>(store_, io_, std::move(events), policy);
    }
    ~UploaderTest() override {
        uploader_->close();
        io_.join();
    }

    template <class Action>
    void note(Action action) {
        const std::unique_lock lock(mutex_);
        action();
        changed_.notify_all();
    }
    template <class Condition>
    bool waitFor(Condition condition) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 30s, condition);
    }
    /// For conditions that no event announces.
    template <class Condition>
    bool waitUntil(Condition condition) {
        std::unique_lock lock(mutex_);
        for (const auto end = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < end;) {
            if (condition()) return true;
            changed_.wait_for(lock, 1ms);
        }
        return false;
    }
    Upload file(std::uint64_t txid, unsigned value = 1) {
        return {{kLevel0, {Txid{txid}, Txid{txid}}}, {}, {}, std::make_shared<FileContent>(Txid{txid}, value, *codec_)};
    }

    std::unique_ptr<plugin::Registry> registry_ = plugin::Registry::load({LITESTREAM_BIN "/plugins"});
    std::shared_ptr<const Codec> codec_ = registry_->openCodec("lz4", {});
    boost::asio::thread_pool io_{4};
    ScriptedTransport* transport_ = nullptr;
    std::shared_ptr<ReplicaStore> store_;
    std::mutex mutex_;  // guards what the events write
    std::condition_variable changed_;
    std::vector<std::uint64_t> stored_;
    std::vector<std::pair<ErrorCode, unsigned>> failures_;
    std::string stopped_;
    bool hasty_ = false;  ///< hurries as soon as it hears of a failure
    std::shared_ptr<Uploader> uploader_;
};

/// With the attempts inside a call, as the engine has it.
class ComposedUploaderTest : public UploaderTest {
protected:
    ComposedUploaderTest() { make(quick(), std::make_unique<ScriptedTransport>(), true); }
};

using Fault = ScriptedTransport::Fault;
using Order = std::vector<std::uint64_t>;

TEST_F(UploaderTest, T86_StoresStrictlyInOrderWhateverFails) {
    transport_->faults = {Fault::Refuse, Fault::Throttle, Fault::DiskFull, Fault::Refuse};
    for (std::uint64_t txid = 1; txid <= 5; ++txid) uploader_->enqueue(file(txid));
    ASSERT_TRUE(waitFor([&] { return stored_.size() == 5; }));
    EXPECT_EQ(stored_, (Order{1, 2, 3, 4, 5}));
    ASSERT_EQ(failures_.size(), 4u);
    EXPECT_EQ(failures_[2], (std::pair{ErrorCode::DiskFull, 3u}));
    const std::unique_lock lock(transport_->mutex_);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(transport_->attempts[i], transport_->attempts[4]) << "nothing overtakes";
}

TEST_F(UploaderTest, T70_AnAnswerThatWasLostIsNoConflict) {
    transport_->faults = {Fault::StoreThenFail};
    uploader_->enqueue(file(1));
    ASSERT_TRUE(waitFor([&] { return stored_.size() == 1; }));
    EXPECT_EQ(stopped_, "");
}

TEST_F(UploaderTest, ABitThatFlipsWhileItIsComparedMakesNobodyElseOfIt) {
    transport_->faults = {Fault::StoreThenFail};
    transport_->flips = 1;
    uploader_->enqueue(file(1));
    ASSERT_TRUE(waitFor([&] { return stored_.size() == 1; }));
    EXPECT_EQ(stopped_, "");
}

TEST_F(UploaderTest, T26_AnotherWritersObjectStopsTheReplicaForGood) {
    {
        const auto foreign = FileContent(Txid{2}, 77, *codec_);
        const auto body = foreign.open();
        const auto bytes = body->next();
        const std::unique_lock lock(transport_->mutex_);
        transport_->objects["ltx/0/0000000000000002-0000000000000002.ltx"] = {bytes.begin(), bytes.end()};
    }
    for (std::uint64_t txid = 1; txid <= 3; ++txid) uploader_->enqueue(file(txid));
    ASSERT_TRUE(waitFor([&] { return !stopped_.empty(); }));
    EXPECT_EQ(stored_, (Order{1}));
    EXPECT_FALSE(uploader_->busy());
    uploader_->enqueue(file(4));
    EXPECT_FALSE(uploader_->busy()) << "stopped is for good";
}

TEST_F(UploaderTest, AConflictWithoutAConditionIsTriedAgain) {
    Upload snapshot = file(7);
    snapshot.file = {kSnapshotLevel, {Txid{1}, Txid{7}}};
    transport_->faults = {ScriptedTransport::Fault::Conflict};
    uploader_->enqueue(snapshot);
    ASSERT_TRUE(waitFor([&] { return !stored_.empty() || !stopped_.empty(); }));
    EXPECT_EQ(stopped_, "");
    EXPECT_EQ(failures_, (std::vector<std::pair<ErrorCode, unsigned>>{{ErrorCode::Transient, 1}}));
}

TEST_F(UploaderTest, EachDeadlineThatPassesDoublesTheNext) {
    transport_->faults = {ScriptedTransport::Fault::Deadline, ScriptedTransport::Fault::Deadline};
    uploader_->enqueue(file(1));
    uploader_->enqueue(file(2));
    ASSERT_TRUE(waitFor([&] { return stored_.size() == 2; }));
    using namespace std::chrono;
    EXPECT_EQ(transport_->patience, (std::vector<seconds>{10s, 20s, 40s, 10s}));
}

TEST_F(UploaderTest, ClearingForgetsWhatWaitsAndWhatIsUnderWay) {
    transport_->held = true;
    uploader_->enqueue(file(1));
    uploader_->enqueue(file(2));
    uploader_->clear();
    transport_->release();
    uploader_->enqueue(file(7));
    ASSERT_TRUE(waitFor([&] { return !stored_.empty(); }));
    EXPECT_EQ(stored_, (Order{7}));
    EXPECT_TRUE(failures_.empty());
}

TEST_F(UploaderTest, AFailedSeedTakesWhatIsQueuedBehindItAlong) {
    transport_->faults = {Fault::Refuse};
    transport_->held = true;
    auto seed = file(1);
    seed.file.level = kSnapshotLevel;
    seed.persistent = false;
    uploader_->enqueue(seed);
    uploader_->enqueue(file(2));
    transport_->release();
    ASSERT_TRUE(waitFor([&] { return failures_.size() == 1; }));
    EXPECT_FALSE(uploader_->busy()) << "level 0 without its snapshot would be a hole";
    uploader_->enqueue(file(3));
    ASSERT_TRUE(waitFor([&] { return !stored_.empty(); }));
    EXPECT_EQ(stored_, (Order{3}));
}

TEST_F(UploaderTest, ALostAnswerIsSettledWhateverFailsMeanwhile) {
    transport_->faults = {Fault::StoreThenFail, Fault::Refuse};
    transport_->headFaults = {ErrorCode::Transient, ErrorCode::Throttled};
    uploader_->enqueue(file(1));
    ASSERT_TRUE(waitFor([&] { return stored_.size() == 1; }));
    EXPECT_EQ(failures_.size(), 4u);
    EXPECT_EQ(stopped_, "");
}

TEST_F(UploaderTest, AnObjectThatVanishesWhileItIsComparedIsSentAgain) {
    transport_->faults = {Fault::StoreThenFail};
    transport_->headFaults = {ErrorCode::NotFound};
    uploader_->enqueue(file(1));
    ASSERT_TRUE(waitFor([&] { return stored_.size() == 1; }));
    ASSERT_EQ(failures_.size(), 2u);
    EXPECT_EQ(failures_[1].first, ErrorCode::Transient) << "nobody needs to look after it";
    const std::unique_lock lock(transport_->mutex_);
    EXPECT_EQ(transport_->objects.size(), 1u);
}

TEST_F(UploaderTest, HurryingEndsTheWaitAfterAFailure) {
    transport::RetryPolicy slow;
    slow.again = slow.againLongest = std::chrono::hours(1);
    make(slow, std::make_unique<ScriptedTransport>());
    transport_->faults = {Fault::Refuse};
    uploader_->enqueue(file(1));
    ASSERT_TRUE(waitFor([&] { return failures_.size() == 1; }));
    uploader_->hurry(10s);
    ASSERT_TRUE(waitFor([&] { return stored_.size() == 1; }));
}

TEST_F(UploaderTest, HurryingBeforeTheWaitBeginsIsNotForgotten) {
    transport::RetryPolicy slow;
    slow.again = slow.againLongest = std::chrono::hours(1);
    make(slow, std::make_unique<ScriptedTransport>());
    hasty_ = true;
    transport_->faults = {Fault::Refuse};
    uploader_->enqueue(file(1));
    ASSERT_TRUE(waitFor([&] { return stored_.size() == 1; }));
}

TEST_F(UploaderTest, InAHurryTheNextWaitsAreShort) {
    transport::RetryPolicy slow;
    slow.again = slow.againLongest = std::chrono::hours(1);
    make(slow, std::make_unique<ScriptedTransport>());
    transport_->faults = {Fault::Refuse, Fault::Refuse, Fault::Refuse};
    uploader_->hurry(std::chrono::milliseconds(1));
    uploader_->enqueue(file(1));
    ASSERT_TRUE(waitFor([&] { return stored_.size() == 1; }));
}

TEST_F(UploaderTest, T76_ClosingEndsTheWaitBetweenCalls) {
    transport::RetryPolicy slow;
    slow.again = slow.againLongest = std::chrono::hours(1);
    transport_->faults = {Fault::Refuse};
    boost::asio::thread_pool single{1};
    Uploader::Events events;
    events.stored = [this](const Upload&, std::uint64_t) { note([&] { stored_.push_back(1); }); };
    events.failed = [this](const Upload&, const Error& error, unsigned attempt, std::chrono::milliseconds) {
        note([&] { failures_.emplace_back(error.code(), attempt); });
    };
    const auto uploader = std::make_shared<Uploader>(store_, single, std::move(events), slow);
    uploader->enqueue(file(1));
    ASSERT_TRUE(waitFor([&] { return failures_.size() == 1; }));
    // What the only thread does next, it does when the wait has begun.
    std::promise<void> waiting;
    boost::asio::post(single, [&] { waiting.set_value(); });
    waiting.get_future().wait();
    uploader->close();
    single.join();
    EXPECT_TRUE(stored_.empty());
}

TEST_F(ComposedUploaderTest, FaultsThatHealWithinACallAreNobodysBusiness) {
    transport_->faults = {Fault::Refuse, Fault::Throttle, Fault::Refuse};
    uploader_->enqueue(file(1));
    ASSERT_TRUE(waitFor([&] { return stored_.size() == 1; }));
    EXPECT_TRUE(failures_.empty());
}

TEST_F(ComposedUploaderTest, T70_AnAnswerThatWasLostWithinACallIsNoConflict) {
    transport_->faults = {Fault::Refuse, Fault::StoreThenFail, Fault::Refuse};
    transport_->headFaults = {ErrorCode::Transient};
    uploader_->enqueue(file(1));
    ASSERT_TRUE(waitFor([&] { return stored_.size() == 1; }));
    EXPECT_TRUE(failures_.empty());
    EXPECT_EQ(stopped_, "");
}

TEST_F(ComposedUploaderTest, AnAnswerThatWasLostWithTheLastAttemptIsNoConflictInTheNextCall) {
    transport_->faults.assign(quick().attempts - 1, Fault::Refuse);
    transport_->faults.push_back(Fault::StoreThenFail);
    uploader_->enqueue(file(1));
    ASSERT_TRUE(waitFor([&] { return stored_.size() == 1; }));
    EXPECT_EQ(failures_, (std::vector{std::pair{ErrorCode::Transient, 1u}}));
    EXPECT_EQ(stopped_, "");
}

TEST_F(ComposedUploaderTest, ClosingEndsAWaitWithinACall) {
    transport::RetryPolicy slow;
    slow.first = slow.longest = std::chrono::hours(1);
    slow.total = std::chrono::hours(2);
    auto scripted = std::make_unique<ScriptedTransport>();
    scripted->faults = {Fault::Refuse};
    make(slow, std::move(scripted), true);
    // One that is given the time to wait for hours.
    const auto content = std::make_shared<FileContent>(Txid{1}, 1, *codec_);
    content->expected = std::uint64_t{1} << 40;
    uploader_->enqueue({{kLevel0, {Txid{1}, Txid{1}}}, {}, {}, content});
    ASSERT_TRUE(waitUntil([&] {
        const std::unique_lock lock(transport_->mutex_);
        return transport_->attempts.size() == 1;
    }));
    uploader_->close();
    io_.join();
    EXPECT_TRUE(stored_.empty());
    EXPECT_TRUE(failures_.empty());
}

}  // namespace
}  // namespace litestream::replica
