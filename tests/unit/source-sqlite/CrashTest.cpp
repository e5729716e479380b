#include "Fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>

namespace litestream::test {
namespace {

/// The copy and the position of the follower process, written in this order, so that the copy is never behind the position.
struct Files {
    explicit Files(const std::filesystem::path& directory)
        : database(directory / "app.db"), copy(directory / "copy"), position(directory / "position") {}
    std::filesystem::path database, copy, position;

    void save(const Follower& follower, const Mirror& mirror) const {
        replace(copy, {reinterpret_cast<const char*>(mirror.content().data()), mirror.content().size()});
        replace(position, {reinterpret_cast<const char*>(&follower.position), sizeof(Position)});
    }
    static void replace(const std::filesystem::path& path, std::string_view content) {
        const std::string temporary = path.string() + ".tmp";
        std::ofstream(temporary, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
        std::filesystem::rename(temporary, path);
    }
};

/// Continues from the files, or anew. Returns what attach() said.
Attachment resume(Follower& follower, const Files& files) {
    const auto copy = readFile(files.copy);
    const auto position = readFile(files.position);
    if (position.size() == sizeof(Position)) std::memcpy(&follower.position, position.data(), sizeof(Position));
    follower.mirror().load(copy);
    return follower.attach(position.size() == sizeof(Position));
}

/// Not a test: the process that CrashTest kills. It never ends by itself.
TEST(DISABLED_FollowerProcess, Runs) {
    const char* directory = std::getenv("SOURCE_SQLITE_DIRECTORY");
    ASSERT_NE(directory, nullptr);
    const Files files(directory);
    Follower follower(files.database);
    resume(follower, files);
    for (;;) {
        files.save(follower, follower.mirror());
        follower.waitForWake(Wake::Changed, 5ms);
        follower.captureAll();
    }
}

pid_t startFollower(const std::filesystem::path& directory) {
    ::setenv("SOURCE_SQLITE_DIRECTORY", directory.c_str(), 1);
    std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
    std::string filter = "--gtest_filter=DISABLED_FollowerProcess.Runs";
    std::string disabled = "--gtest_also_run_disabled_tests";
    char* arguments[] = {program.data(), filter.data(), disabled.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    pid_t process = -1;
    EXPECT_EQ(::posix_spawn(&process, program.c_str(), &actions, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return process;
}

TEST_F(SourceSqlite, FollowerKilledAtRandomPointsContinuesOrReconciles) {
    const auto seed = std::random_device()();
    RecordProperty("seed", std::to_string(seed));
    std::mt19937 random(seed);
    App app(database);
    app.must(kCreate);
    app.must("PRAGMA synchronous=OFF; PRAGMA busy_timeout=5000; PRAGMA wal_autocheckpoint=200");
    app.send("loop 3000 INSERT OR REPLACE INTO t VALUES(abs(random())%300, randomblob(300))");
    for (int i = 0; i < 12; ++i) {
        const pid_t follower = startFollower(directory);
        std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 150));
        ::kill(follower, SIGKILL);
        ::waitpid(follower, nullptr, 0);
    }
    EXPECT_EQ(app.receive().rc, 0);
    Follower follower(database);
    resume(follower, Files(directory));
    expectMirrorIsDatabase(follower);
}

}  // namespace
}  // namespace litestream::test
