#include "config/DirectoryEntry.h"
#include "support/TemporaryDirectory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace litestream::config {
namespace {

namespace fs = std::filesystem;

class DirectoryEntry : public ::testing::Test {
protected:
    void SetUp() override {
        fs::create_directories(directory_ / "sub/deep");
        for (const char* database : {"b.db", "a.db", "c.sqlite", "sub/a b.db", "sub/deep/d.db"})
            write(database, "SQLite format 3");
        write("text.db", "no database, but long enough");
        write("short.db", "SQLite");
        fs::create_directory(directory_ / "dir.db");
        fs::create_directory_symlink(directory_ / "sub", directory_ / "link");

        entry_.directory.path = directory_;
        entry_.directory.pattern = "*.db";
        entry_.replicas.push_back(replicaFromUrl("file:///backup/x/?a=b"));
        Replica typed;
        typed.type = "file";
        typed.options.push_back({"path", Secret("/other"), {}, true, {}});
        entry_.replicas.push_back(typed);
    }

    void write(const fs::path& name, const std::string& head) const {
        std::ofstream(directory_ / name, std::ios::binary) << head << '\0' << std::string(100, '\0');
    }

    std::vector<std::string> namesOf(const std::vector<Database>& databases) const {
        std::vector<std::string> names;
        for (const Database& database : databases) names.push_back(database.path.lexically_relative(directory_));
        return names;
    }

    std::string errorOf() const {
        try {
            expandDirectory(entry_);
        } catch (const Error& error) {
            return error.what();
        }
        return "no error";
    }

    using Names = std::vector<std::string>;
    litestream::test::TemporaryDirectory temporary_;
    const fs::path directory_ = temporary_.path();
    Database entry_;
};

TEST_F(DirectoryEntry, StandsForItsDatabases) {
    EXPECT_EQ(namesOf(expandDirectory(entry_)), (Names{"a.db", "b.db"}));
    entry_.directory.recursive = true;
    EXPECT_EQ(namesOf(expandDirectory(entry_)), (Names{"a.db", "b.db", "sub/a b.db", "sub/deep/d.db"}));
}

/// Whether another process finds a lock of this one on the file.
bool isLocked(const fs::path& file) {
    const pid_t child = ::fork();
    if (child == 0) {
        struct flock lock{};
        lock.l_type = F_WRLCK;
        ::fcntl(::open(file.c_str(), O_RDWR), F_GETLK, &lock);
        ::_exit(lock.l_type == F_UNLCK ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status) == 1;
}

TEST_F(DirectoryEntry, T10_DoesNotOpenWhatIsFollowed) {
    fs::create_symlink("a.db", directory_ / "alias.db");
    write("a.db-shm", "");
    write("hot.db", "");
    const int database = ::open((directory_ / "a.db").c_str(), O_RDWR);
    const int index = ::open((directory_ / "a.db-shm").c_str(), O_RDWR);
    for (const int descriptor : {database, index}) {
        struct flock lock{};
        lock.l_type = F_WRLCK;
        ASSERT_EQ(::fcntl(descriptor, F_SETLK, &lock), 0);
    }
    entry_.directory.pattern = "*";
    EXPECT_EQ(namesOf(expandDirectory(entry_, {directory_ / "a.db", directory_ / "hot.db"})), (Names{"a.db", "alias.db", "b.db", "c.sqlite", "hot.db"}));
    EXPECT_TRUE(isLocked(directory_ / "a.db"));
    EXPECT_TRUE(isLocked(directory_ / "a.db-shm"));
    ::close(database);
    ::close(index);
}

TEST_F(DirectoryEntry, LeavesOutWhatLiesBesideADatabase) {
    for (const char* name : {"a.db-wal", "a.db-journal", "trade-journal"}) write(name, "SQLite format 3");
    for (const char* name : {".a.db-litestream/verify-1.db", "sub/.a b.db-litestream/verify-1.db", "meta/a.db-litestream/verify-1.db", "x-litestream/y.db"}) {
        fs::create_directories((directory_ / name).parent_path());
        write(name, "SQLite format 3");
    }
    entry_.directory.pattern = "*";
    entry_.directory.recursive = true;
    entry_.directory.metaPath = directory_ / "meta";
    EXPECT_EQ(namesOf(expandDirectory(entry_)), (Names{"a.db", "b.db", "c.sqlite", "sub/a b.db", "sub/deep/d.db", "trade-journal", "x-litestream/y.db"}));
}

TEST_F(DirectoryEntry, MatchesBaseNamesByGlob) {
    const auto matches = [&](const std::string& pattern) {
        entry_.directory.pattern = pattern;
        entry_.directory.watch = true;
        return namesOf(expandDirectory(entry_));
    };
    EXPECT_EQ(matches("?.db"), (Names{"a.db", "b.db"}));
    EXPECT_EQ(matches("[b-z].*"), (Names{"b.db", "c.sqlite"}));
    EXPECT_EQ(matches("[^a].db"), (Names{"b.db"}));
    EXPECT_EQ(matches("\\*.db"), Names{});
    EXPECT_EQ(matches("sub/*"), Names{});
}

TEST_F(DirectoryEntry, GivesEachDatabaseAPlaceOfItsOwn) {
    entry_.directory.recursive = true;
    const Database database = expandDirectory(entry_).at(2);
    EXPECT_EQ(database.replicas[0].url, "file:///backup/x/sub/a%20b.db?a=b");
    EXPECT_EQ(database.replicas[1].options.at(0).value.reveal(), "/other/sub/a b.db");
    EXPECT_TRUE(database.directory.path.empty());
}

TEST_F(DirectoryEntry, GivesEachDatabaseAMetadataDirectory) {
    entry_.directory.recursive = true;
    EXPECT_EQ(expandDirectory(entry_).at(2).metaPath, "") << "beside the database";
    entry_.directory.metaPath = "/m";
    EXPECT_EQ(expandDirectory(entry_).at(2).metaPath, "/m/sub/a b.db-litestream");
    entry_.directory.metaPath = "";
    entry_.metaPath = "/m";
    EXPECT_EQ(expandDirectory(entry_).at(2).metaPath, "/m/sub/.a b.db-litestream");
    EXPECT_EQ(expandDirectory(entry_).at(0).metaPath, "/m/.a.db-litestream");
}

TEST_F(DirectoryEntry, RefusesWhatItCannotScan) {
    const std::string name = directory_.string();
    entry_.directory.pattern = "*.none";
    EXPECT_EQ(errorOf(), "no SQLite databases found in directory " + name + " with pattern *.none");
    entry_.directory.watch = true;
    EXPECT_EQ(errorOf(), "no error");
    for (const char* bad : {"[a", "a\\", "[]"}) {
        entry_.directory.pattern = bad;
        EXPECT_EQ(errorOf(), "failed to scan directory " + name + ": syntax error in pattern") << bad;
    }
    entry_.directory.path = directory_ / "none";
    entry_.directory.pattern = "*";
    EXPECT_EQ(errorOf(), "failed to scan directory " + name + "/none: read: no such file or directory");
}

TEST_F(DirectoryEntry, OneDatabaseStandsForItself) {
    Database one;
    one.path = "/a.db";
    ASSERT_EQ(expandDirectory(one).size(), 1u);
    EXPECT_EQ(expandDirectory(one)[0].path, "/a.db");
}

}  // namespace
}  // namespace litestream::config
