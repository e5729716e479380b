#include "common/ChildProcess.h"

#include "util/ShellWords.h"

#include <litestream/Error.h>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstring>
#include <vector>

namespace litestream::app {
namespace {

std::vector<std::string> parseCommand(const std::string& commandLine) {
    std::vector<std::string> words;
    try {
        words = splitShellWords(commandLine);
    } catch (const Error& error) {
        throw error.within("cannot parse exec command");
    }
    if (words.empty()) throw Error(ErrorCode::InvalidArgument, "cannot parse exec command: it has no words");
    return words;
}

/// How the child starts: no signal blocked or ignored that our own threads block or ignore, and stdin from the null
/// device.
class SpawnPlan {
public:
    SpawnPlan() {
        sigset_t none{};
        sigemptyset(&none);
        sigset_t defaults{};
        sigemptyset(&defaults);
        sigaddset(&defaults, SIGPIPE);
        posix_spawnattr_init(&attributes_);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setsigdefault(&attributes_, &defaults);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        posix_spawn_file_actions_init(&actions_);
        posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;
    ~SpawnPlan() {
        posix_spawn_file_actions_destroy(&actions_);
        posix_spawnattr_destroy(&attributes_);
    }

    pid_t start(std::vector<std::string>& words) {
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        pid_t pid = -1;
        const int failure = ::posix_spawnp(&pid, argv[0], &actions_, &attributes_, argv.data(), environ);
        if (failure != 0) {
            throw Error(ErrorCode::InvalidArgument,
                        "cannot start exec command: " + words[0] + ": " + std::strerror(failure));
        }
        return pid;
    }

private:
    posix_spawnattr_t attributes_{};
    posix_spawn_file_actions_t actions_{};
};

}  // namespace

ChildProcess::ChildProcess(const std::string& commandLine) {
    std::vector<std::string> words = parseCommand(commandLine);
    pid_ = SpawnPlan().start(words);
}

void ChildProcess::signal(int number) noexcept {
    if (ended_) return;
    signalled_ = true;
    ::kill(pid_, number);
}

bool ChildProcess::reap() {
    if (!ended_) ended_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
    return ended_;
}

std::string ChildProcess::failure() const {
    if (WIFEXITED(status_)) {
        const int code = WEXITSTATUS(status_);
        return code == 0 ? "" : "exit status " + std::to_string(code);
    }
    if (signalled_) return "";
    return std::string("signal: ") + ::strsignal(WTERMSIG(status_));
}

}  // namespace litestream::app
