#include "DatabaseClient.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace litestream::conformance {

DatabaseClient::DatabaseClient(const std::filesystem::path& database) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    std::string program = "/proc/self/exe";
    std::string serve = kDatabaseClientArgument;
    std::string path = database.string();
    std::array<char*, 4> arguments{program.data(), serve.data(), path.data(), nullptr};
    const int failure = ::posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    input_ = ::fdopen(in[1], "w");
    output_ = ::fdopen(out[0], "r");
    if (failure != 0) {
        process_ = -1;
        throw std::system_error(failure, std::generic_category(), "start a database client");
    }
    must("PRAGMA user_version");  // it has opened the database
}

void DatabaseClient::send(const std::string& script) {
    std::fputs((script + "\n").c_str(), input_);
    std::fflush(input_);
}

DatabaseClient::Answer DatabaseClient::receive() {
    Answer answer;
    std::size_t length = 0;
    if (std::fscanf(output_, "%d %zu", &answer.rc, &length) != 2 || std::fgetc(output_) != '\n')
        return {-1, "the database client has ended"};
    answer.text.resize(length);
    if (std::fread(answer.text.data(), 1, length, output_) != length) return {-1, "the database client has ended"};
    return answer;
}

DatabaseClient::Answer DatabaseClient::run(const std::string& script) {
    send(script);
    return receive();
}

std::string DatabaseClient::must(const std::string& script) {
    Answer answer = run(script);
    if (answer.rc != 0) throw std::runtime_error("SQLite, run \"" + script + "\": " + answer.text);
    return answer.text;
}

std::string DatabaseClient::image() {
    return must("image");
}

void DatabaseClient::close() {
    if (input_ != nullptr) std::fclose(std::exchange(input_, nullptr));
    if (process_ > 0) ::waitpid(std::exchange(process_, -1), nullptr, 0);
    if (output_ != nullptr) std::fclose(std::exchange(output_, nullptr));
}

void DatabaseClient::kill() {
    ::kill(process_, SIGKILL);
    close();
}

}  // namespace litestream::conformance
