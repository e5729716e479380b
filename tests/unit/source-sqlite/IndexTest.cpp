#include "Fixture.h"
#include "PatchedVfs.h"
#include "WalIndex.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>

/// What the wal-index says, against what the -wal file looks like.
namespace litestream::test {
namespace {

class IndexTest : public SourceSqlite {
protected:
    IndexTest() { app.must(kCreate); }

    std::filesystem::path shmPath() const { return database.string() + "-shm"; }

    /// Another process does it: opening and closing the -shm in this one would drop our locks.
    static void inAnotherProcess(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

    App app{database};
};

/// A transaction of one page behind the last one, as a commit whose fsync failed leaves it: whole, valid, and not in the index.
std::vector<std::byte> ghostCommit(const std::vector<std::byte>& wal) {
    constexpr std::size_t kFrame = 24 + 4096;
    const bool bigEndian = (sqlite::bigEndian32(wal.data()) & 1) != 0;
    std::vector<std::byte> frame(wal.end() - kFrame, wal.end());
    sqlite::WalChecksum sum{sqlite::bigEndian32(frame.data() + 16), sqlite::bigEndian32(frame.data() + 20)};
    std::fill(frame.begin() + 24, frame.end(), std::byte{0xee});
    sum.add(frame.data(), 8, bigEndian);
    sum.add(frame.data() + 24, 4096, bigEndian);
    for (std::size_t i = 0; i < 4; ++i) {
        frame[16 + i] = static_cast<std::byte>(sum.s0 >> (24 - 8 * i));
        frame[20 + i] = static_cast<std::byte>(sum.s1 >> (24 - 8 * i));
    }
    return frame;
}

TEST_F(IndexTest, T02_ACommitThatTheIndexDoesNotKnowNeverHappened) {
    Follower follower(database);
    follower.attach();
    app.must(insertRows(20));
    follower.captureAll();
    const auto ghost = ghostCommit(readFile(walPath()));
    std::ofstream(walPath(), std::ios::binary | std::ios::app)
        .write(reinterpret_cast<const char*>(ghost.data()), static_cast<std::streamsize>(ghost.size()));

    // Whoever believes the file takes it for a commit: SQLite itself does when it has no index.
    std::filesystem::copy(database, directory / "scanned.db");
    std::filesystem::copy(walPath(), directory / "scanned.db-wal");
    EXPECT_NE(App(directory / "scanned.db").run("SELECT count(*) FROM t").rc, 0) << "the ghost is not a valid commit";

    EXPECT_EQ(follower.capture().outcome, Capture::Outcome::Unchanged);
    Follower later(directory / "app.db");
    follower.source().detach();
    later.attach();
    EXPECT_TRUE(later.mirror().content() == follower.mirror().content()) << "an image holds the ghost";
    app.must(kInsert);  // in the ghost's place
    EXPECT_EQ(later.capture().outcome, Capture::Outcome::Captured);
    expectMirrorIsDatabase(later);
}

/// Watches the checkpoints of this process: what is held when they write into the database, and whether a commit that comes in between can begin
/// the WAL anew.
class WatchedCheckpoints {
public:
    explicit WatchedCheckpoints(const std::filesystem::path& file, App& app) {
        database = file;
        application = &app;
        held.clear();
    }
    ~WatchedCheckpoints() { application = nullptr; }

    static inline std::vector<std::set<int>> held;

private:
    static int write(sqlite3_file* file, const void* data, int bytes, sqlite3_int64 offset) {
        if (application != nullptr) {
            held.push_back(kernelLocks(database));
            application->must(kInsert);
        }
        return PatchedVfs::original().xWrite(file, data, bytes, offset);
    }

    static inline std::filesystem::path database;
    static inline App* application = nullptr;
    const PatchedVfs vfs_{[](sqlite3_io_methods& methods) { methods.xWrite = &write; }};
};

TEST_F(IndexTest, T42_OurCheckpointsRunOnlyWhileTheWalCannotBeReset) {
    app.must("PRAGMA wal_autocheckpoint=0");
    const WatchedCheckpoints watched(database, app);
    Follower follower(database, {{"checkpoint-interval", "20ms"}, {"slow-poll", "10ms"}});
    follower.attach();
    app.must(insertRows(20));
    EXPECT_TRUE(follower.followUntil([&] { return follower.source().status().checkpoints >= 3; }));
    EXPECT_FALSE(WatchedCheckpoints::held.empty());
    for (const auto& locks : WatchedCheckpoints::held) {
        const bool guarded = std::any_of(locks.begin(), locks.end(), [](int byte) { return byte == 0 || byte >= 4; });
        EXPECT_TRUE(guarded) << "a checkpoint of ours ran without WRITE and without a hold on READ1 to READ4";
    }
    EXPECT_EQ(follower.losses, 0u);
    expectMirrorIsDatabase(follower);
}

TEST_F(IndexTest, T42_MoreFramesCopiedThanWrittenRaisesAnAlarm) {
    Follower follower(database);
    follower.attach();
    app.must(kInsert);
    follower.captureAll();
    const auto alarms = [&] {
        const auto lines = follower.logged();
        return std::count_if(lines.begin(), lines.end(), [](const auto& line) { return line.find("WAL-reset bug") != std::string::npos; });
    };
    EXPECT_EQ(alarms(), 0);
    inAnotherProcess("printf '\\377' | dd of='" + shmPath().string() + "' bs=1 seek=96 conv=notrunc status=none");  // nBackfill
    for (int i = 0; i < 3; ++i) follower.capture();
    EXPECT_EQ(alarms(), 1);
}

class LostIndexTest : public IndexTest {
protected:
    void truncate(std::uint64_t bytes) { inAnotherProcess("truncate -s " + std::to_string(bytes) + " '" + shmPath().string() + "'"); }

    bool detached(Follower& follower) {
        return follower.followUntil([&] { return follower.source().status().state.starts_with("detached"); });
    }
};

TEST_F(LostIndexTest, ATruncatedIndexDetachesAndContinuityIsProvedAgain) {
    Follower follower(database);
    follower.attach();
    app.must(insertRows(20));
    follower.captureAll();
    truncate(0);
    const auto capture = follower.source().capture(1 << 20, follower.mirror());
    EXPECT_EQ(capture.outcome, Capture::Outcome::Detached);
    EXPECT_NE(capture.reason.find("-shm"), std::string::npos) << capture.reason;
    EXPECT_TRUE(kernelLocks(database).empty());

    EXPECT_EQ(follower.attach(true).outcome, Attachment::Outcome::Proved) << follower.attachment.reason;
    expectGuardIsReal(follower);
    app.must(insertRows(20));
    EXPECT_EQ(follower.capture().outcome, Capture::Outcome::Captured);
    EXPECT_EQ(follower.losses, 0u);
    expectMirrorIsDatabase(follower);
}

TEST_F(LostIndexTest, IsNoticedWhileNothingIsCommitted) {
    Follower follower(database, {{"slow-poll", "10ms"}});
    follower.attach();
    follower.captureAll();
    truncate(0);
    EXPECT_TRUE(detached(follower)) << follower.source().status().state;
}

TEST_F(LostIndexTest, AnImageThatWasBegunStaysWhatItIs) {
    Follower follower(database);
    follower.attach();
    app.must(insertRows(2000));
    follower.captureAll();
    auto image = follower.source().image();
    truncate(0);
    EXPECT_EQ(follower.source().capture(1 << 20, follower.mirror()).outcome, Capture::Outcome::Detached);
    std::vector<std::byte> content(std::size_t{image->pageCount()} * image->pageSize());
    image->read(1, content);
    EXPECT_TRUE(content == follower.mirror().content());
    EXPECT_EQ(follower.source().attach(&follower.position).outcome, Attachment::Outcome::Detached)
        << "the old connection is open as long as its image";
    image = nullptr;
    EXPECT_EQ(follower.attach(true).outcome, Attachment::Outcome::Proved) << follower.attachment.reason;
    expectMirrorIsDatabase(follower);
}

/// Only SQLite's own code touches the pages behind the header, when we checkpoint. From pages that are gone it would conclude that there is
/// nothing to copy, and tell every process that all is copied.
TEST_F(LostIndexTest, ACheckpointOverLostPagesTellsNobodyThatFramesWereCopied) {
    app.must("PRAGMA wal_autocheckpoint=0");
    Follower follower(database, {{"checkpoint-interval", "10ms"}, {"slow-poll", "10ms"}});
    follower.attach();
    app.must(insertRows(300));
    follower.captureAll();
    truncate(4096);
    app.kill();
    EXPECT_TRUE(detached(follower)) << follower.source().status().state;
    inAnotherProcess("test $(od -An -tu4 -j96 -N4 '" + shmPath().string() + "') -eq 0");  // nBackfill
}

TEST_F(LostIndexTest, OtherBusErrorsEndTheProcess) {
    const Follower follower(database);
    const auto file = directory / "other";
    std::ofstream(file) << "x";
    EXPECT_EXIT(
        {
            const int descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
            const auto* mapped = static_cast<volatile char*>(::mmap(nullptr, 8192, PROT_READ, MAP_SHARED, descriptor, 0));
            std::exit(mapped[4096] * 0);
        },
        // The address sanitizer has a handler of its own, which exits.
        [](int status) { return (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) || (WIFEXITED(status) && WEXITSTATUS(status) != 0); }, "");
}

}  // namespace
}  // namespace litestream::test
