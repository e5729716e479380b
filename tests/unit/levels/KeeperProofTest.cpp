#include "KeeperFixture.h"

namespace litestream::levels::test {
namespace {

class KeeperProofTest : public KeeperTest {
protected:
    /// A page a minute, until a snapshot is near: what it will be made of is there, TXID 1 to `last`.
    void history(std::uint64_t last) {
        store(put(id(9, 1, 1), 3, pages_), digestOf(pages_));
        for (std::uint64_t txid = 2; txid <= last; ++txid) {
            const Pages changed{{1 + txid % 3, static_cast<std::uint8_t>(txid)}};
            for (const auto& [page, byte] : changed) pages_[page] = byte;
            store(put(id(0, txid, txid), 3, changed), digestOf(pages_));
            until(60s * (txid - 1));
        }
        until(3h);
    }
    /// In the place of a file, one that is sound and different.
    void replace(const replica::FileInfo& file) {
        Pages pages = pagesOf(file);
        pages.begin()->second ^= 0xff;
        const std::string before = store_.content(key(file.id));
        put(file.id, header_.commit, pages);
        ASSERT_NE(store_.content(key(file.id)), before);
    }

    Pages pages_{{1, 1}, {2, 1}, {3, 1}};
};

TEST_F(KeeperProofTest, ASnapshotThatIsMergedIsProven) {
    history(20);
    EXPECT_EQ(proven().txid, Txid{});
    until(24h);
    EXPECT_EQ(proven().txid, Txid{20});
    EXPECT_EQ(proven().when, (Timestamp{24h / 1ms}));
    EXPECT_EQ(keeper_->inventory().newestSnapshot()->evidence.digest, digestOf(pages_));
}

TEST_F(KeeperProofTest, WithoutADigestNothingIsClaimed) {
    history(20);
    keeper_->forgetDigests();
    until(25h);
    EXPECT_EQ(keeper_->inventory().newestSnapshot()->info.id.range.max, Txid{20});
    EXPECT_EQ(proven().txid, Txid{});
}

TEST_F(KeeperProofTest, AReplicaThatDoesNotMatchIsNamedAndMended) {
    history(20);
    // A file was exchanged, and nothing is known any more of its checksum: the database's digests come back.
    const auto listing = keeper_->inventory().all();
    replace(listing.front());
    for (const auto& file : listing) {
        if (file.id.level.value > 0 && file.id.level.value < 9) replace(file);
    }
    restart(listing);
    keeper_->expect(Txid{20}, digestOf(pages_));
    seeds_ = false;
    ::testing::internal::CaptureStdout();
    turn();
    until(25h);
    const std::string log = ::testing::internal::GetCapturedStdout();
    EXPECT_NE(log.find("replica does not match the database"), std::string::npos) << log;
    EXPECT_NE(log.find("txid.min=0000000000000001 txid.max=0000000000000014"), std::string::npos) << log;
    EXPECT_EQ(log.find("does not match"), log.rfind("does not match")) << "said once";
    EXPECT_EQ(proven().txid, Txid{});
    EXPECT_EQ(mismatch_, Txid{}) << "the database was not asked twice";
    // The database finds the time, and reads what the replica holds.
    seeds_ = true;
    until(25h + 10s);
    ASSERT_EQ(mismatch_, Txid{20});
    std::vector<std::uint64_t> sums;
    read_([&](PageNumber first, std::span<const std::uint64_t> run) {
        EXPECT_EQ(first, sums.size() + 1);
        sums.insert(sums.end(), run.begin(), run.end());
    });
    EXPECT_EQ(sums.size(), 3u);
    Pages wrong;
    for (PageNumber page = 1; page <= 3; ++page) {
        if (sums[page - 1] != ltx::pageChecksum(page, std::vector<std::byte>(kPageSize, std::byte{pages_[page]}))) wrong[page] = pages_[page];
    }
    EXPECT_FALSE(wrong.empty());
    // It ships the pages that differ. Nothing is merged into a snapshot before its own is there.
    wanted_.clear();
    store(put(id(0, 21, 21), 3, wrong), digestOf(pages_));
    keeper_->shipped();
    turn();
    EXPECT_NE(wanted_, "");
    until(26h);
    EXPECT_EQ(keeper_->inventory().newestSnapshot()->info.id.range.max, Txid{1});
    store(put(id(9, 1, 21), 3, pages_), digestOf(pages_));
    store(put(id(0, 22, 22), 3, {{1, 99}}), std::nullopt);
    pages_[1] = 99;
    keeper_->expect(Txid{22}, digestOf(pages_));
    until(60h);
    EXPECT_EQ(proven().txid, Txid{22});
    EXPECT_EQ(pagesOf(keeper_->inventory().newestSnapshot()->info), pages_);
}

TEST_F(KeeperProofTest, ACauseThatComesBackIsMendedOnceInTenMinutes) {
    settings_.validationInterval = 10h;
    restart({});
    history(3);
    unsigned asked = 0;
    // Whatever is shipped, the replica never is what the database is said to have.
    for (std::uint64_t txid = 4; now_ < kStart + 16h; ++txid) {
        until(std::chrono::duration_cast<std::chrono::seconds>(now_ - kStart) + 30s);
        if (mismatch_) {
            ++asked;
            mismatch_ = {};
            store(put(id(0, txid, txid), 3, {{1, 1}}));
            keeper_->shipped();
            turn();
            store(put(id(9, 1, txid), 3, pages_), 4711);
        } else {
            keeper_->expect(Txid{3}, 4711);
        }
    }
    EXPECT_GT(asked, 1u);
    EXPECT_LE(asked, 16u * 6u + 1);
    EXPECT_EQ(proven().txid, Txid{});
}

TEST_F(KeeperProofTest, DamageTakesBackWhatWasProven) {
    history(20);
    until(24h);
    ASSERT_EQ(proven().txid, Txid{20});
    store(put(id(0, 21, 21), 3, {{1, 7}}), std::nullopt);
    replace(keeper_->inventory().newestSnapshot()->info);
    until(50h);
    EXPECT_EQ(proven().txid, Txid{});
    EXPECT_NE(wanted_.find("another file than the one that was stored"), std::string::npos) << wanted_;
}

TEST_F(KeeperProofTest, AValidationProvesTheNewestStateAndLearnsChecksums) {
    settings_.validationInterval = 10h;
    restart({});
    history(20);
    until(13h);
    EXPECT_EQ(proven().txid, Txid{20});
    const auto listing = keeper_->inventory().all();
    restart(listing);
    turn();
    until(26h);
    EXPECT_EQ(proven().txid, Txid{}) << "nobody knows the digest any more";
    for (const auto& file : listing) EXPECT_EQ(keeper_->inventory().find(file.id)->evidence.fileChecksum, checksumOf(file)) << text(file.id);
    EXPECT_EQ(wanted_, "");
    EXPECT_EQ(store_.requests().count("LIST"), 0u);
}

TEST_F(KeeperProofTest, AReplicaThatIsEmptyWhenItsTurnComesIsValidatedLater) {
    settings_.validationInterval = 1h;
    restart({});
    turn();
    until(2h);
    store(put(id(9, 1, 1), 3, pages_), digestOf(pages_));
    until(4h);
    EXPECT_EQ(proven().txid, Txid{1});
}

TEST_F(KeeperProofTest, AValidationNamesWhateverHappenedToWhicheverFile) {
    settings_.validationInterval = 10h;
    settings_.snapshotInterval = 0s;
    using Fault = std::pair<std::string, std::function<void(const replica::FileInfo&)>>;
    const std::vector<Fault> faults{
        {"removed", [&](const auto& file) { store_.erase(key(file.id)); }},
        {"truncated", [&](const auto& file) { store_.content(key(file.id)).pop_back(); }},
        {"a byte", [&](const auto& file) { store_.content(key(file.id))[120] ^= 1; }},
        {"another content", [&](const auto& file) { replace(file); }},
        {"another file's", [&](const auto& file) {
             const auto other = file.id == id(9, 1, 1) ? id(1, 2, 2) : id(9, 1, 1);
             store_.content(key(file.id)) = store_.content(key(other));
         }},
    };
    for (const auto& [what, damage] : faults) {
        for (std::size_t index = 0;; ++index) {
            for (const auto& name : store_.keys()) store_.erase(name);
            now_ = kStart;
            pages_ = {{1, 1}, {2, 1}, {3, 1}};
            restart({});
            history(8);
            const auto base = std::chrono::duration_cast<std::chrono::seconds>(now_ - kStart);
            until(base + 10h);
            ASSERT_EQ(proven().txid, Txid{8});
            const auto files = keeper_->inventory().all();
            if (index >= files.size()) break;
            ASSERT_GT(files.size(), 8u);
            damage(files[index]);
            seeds_ = true;
            wanted_.clear();
            ::testing::internal::CaptureStdout();
            until(base + 20h);
            const std::string log = ::testing::internal::GetCapturedStdout();
            const auto file = files[index].id;
            const auto named = [&](const std::string& message) {
                return log.find("replica file " + message + "\" db=/app.db replica=memory file=" + key(file)) != std::string::npos;
            };
            EXPECT_TRUE(named("lost") || (named("gone") && what == "removed" && file.level != replica::kSnapshotLevel)) << what << ' ' << text(file) << '\n' << log;
            EXPECT_EQ(wanted_ != "", named("lost")) << "no newer snapshot bridges it";
            const bool needed = file.level.value == 9;  // of what was proven, whatever else could take its place
            if (needed) {
                EXPECT_EQ(proven().txid, Txid{}) << what << ' ' << text(file);
            }
        }
    }
}

}  // namespace
}  // namespace litestream::levels::test
