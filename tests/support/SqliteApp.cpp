#include "SqliteApp.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace litestream::test {

App::App(const std::filesystem::path& database) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    std::string program = LITESTREAM_SQLITE_APP;
    std::string argument = database.string();
    std::array<char*, 3> arguments{program.data(), argument.data(), nullptr};
    if (::posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments.data(), environ) != 0) {
        throw std::runtime_error("spawn " + program);
    }
    posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    input_ = ::fdopen(in[1], "w");
    output_ = ::fdopen(out[0], "r");
}

void App::send(const std::string& line) {
    std::fputs((line + "\n").c_str(), input_);
    std::fflush(input_);
}

App::Answer App::receive() {
    char* line = nullptr;
    std::size_t size = 0;
    Answer answer;
    if (::getline(&line, &size, output_) > 0) {
        std::istringstream text(line);
        text >> answer.rc;
        text.get();
        std::getline(text, answer.text);
    }
    std::free(line);
    return answer;
}

App::Answer App::run(const std::string& script) {
    send(script);
    return receive();
}

std::string App::must(const std::string& script) {
    const Answer answer = run(script);
    EXPECT_EQ(answer.rc, 0) << script;
    return answer.text;
}

void App::close() {
    if (input_ != nullptr) std::fclose(std::exchange(input_, nullptr));
    if (process_ > 0) ::waitpid(std::exchange(process_, -1), nullptr, 0);
    if (output_ != nullptr) std::fclose(std::exchange(output_, nullptr));
}

void App::kill() {
    ::kill(process_, SIGKILL);
    close();
}

}  // namespace litestream::test
