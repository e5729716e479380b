#include "engine/DirectoryLock.h"

#include "support/TemporaryDirectory.h"

#include <gtest/gtest.h>

#include <litestream/Error.h>

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

namespace litestream::engine {
namespace {

using litestream::test::TemporaryDirectory;

bool locked(const std::filesystem::path& file) {
    try {
        const DirectoryLock lock(file);
        return false;
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::Conflict);
        return true;
    }
}

std::size_t openDescriptors() {
    const auto entries = std::filesystem::directory_iterator("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

TEST(DirectoryLock, HoldsWithoutADescriptorUntilItIsDestroyed) {
    TemporaryDirectory directory;
    const auto before = openDescriptors();
    auto lock = std::make_unique<DirectoryLock>(directory / "lock");
    EXPECT_EQ(openDescriptors(), before);
    EXPECT_TRUE(locked(directory / "lock"));
    lock.reset();
    EXPECT_FALSE(locked(directory / "lock"));
}

TEST(DirectoryLock, NamesTheProcessThatHoldsIt) {
    TemporaryDirectory directory;
    const DirectoryLock lock(directory / "lock");
    try {
        const DirectoryLock second(directory / "lock");
        FAIL() << "locked twice";
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("process " + std::to_string(::getpid())), std::string::npos) << error.what();
    }
}

TEST(DirectoryLock, EndsWithItsProcessAlsoOnKill9) {
    TemporaryDirectory directory;
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const DirectoryLock lock(directory / "lock");
        [[maybe_unused]] const auto written = ::write(ready[1], "x", 1);
        ::pause();
        ::_exit(0);
    }
    char byte = 0;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    EXPECT_TRUE(locked(directory / "lock"));
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    EXPECT_FALSE(locked(directory / "lock"));
}

TEST(DirectoryLock, IsNotKeptByAChildThatLivesOn) {
    TemporaryDirectory directory;
    auto lock = std::make_unique<DirectoryLock>(directory / "lock");
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    lock.reset();
    EXPECT_FALSE(locked(directory / "lock"));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace litestream::engine
