#include "CredentialProcess.h"

#include "CredentialText.h"

#include <litestream/Error.h>

#include <Poco/Exception.h>
#include <Poco/Pipe.h>
#include <Poco/Process.h>

#include <poll.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <iomanip>
#include <sstream>

namespace litestream::s3 {

namespace {

constexpr std::size_t kLimit = 64 * 1024;
/// How soon a cancellation is seen.
constexpr int kSliceMs = 200;

[[noreturn]] void refuse(const std::string& program, const std::string& why) {
    throw Error(ErrorCode::Denied, "credential_process " + program + ": " + why);
}

std::vector<std::string> splitWords(const std::string& command) {
    std::istringstream text(command);
    std::vector<std::string> words;
    for (std::string word; text >> std::quoted(word);) words.push_back(word);
    return words;
}

/// A program that writes into a pipe, and is gone when this object is.
class Child {
public:
    Child(const std::string& program, const std::vector<std::string>& arguments)
        : handle_(Poco::Process::launch(program, arguments, nullptr, &pipe_, nullptr)) {}
    ~Child() {
        if (waited_) return;
        try {
            Poco::Process::kill(handle_);
            handle_.wait();
        } catch (const Poco::Exception&) {
            // It has ended by itself.
        }
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    /// Everything that it prints.
    Secret output(const CallContext& context, const std::string& program) {
        std::string text;
        for (;;) {
            context.check("run credential_process");
            pollfd ready{static_cast<int>(pipe_.readHandle()), POLLIN, 0};
            const int count = ::poll(&ready, 1, kSliceMs);
            if (count < 0 && errno != EINTR) throw systemError("read from credential_process", errno);
            if (count <= 0) continue;
            char buffer[4096];
            const int got = pipe_.readBytes(buffer, sizeof buffer);
            if (got <= 0) return Secret(std::move(text));
            text.append(buffer, static_cast<std::size_t>(got));
            if (text.size() > kLimit) refuse(program, "printed more than 64 KiB");
        }
    }
    /// The status that it ends with. It may go on long after its output ended.
    int wait(const CallContext& context, const std::string& program) {
        for (int pauseMs = 1;; pauseMs = std::min(2 * pauseMs, kSliceMs)) {
            int status = 0;
            const pid_t ended = ::waitpid(handle_.id(), &status, WNOHANG);
            if (ended < 0 && errno != EINTR) throw systemError("wait for credential_process", errno);
            if (ended > 0) {
                waited_ = true;
                if (WIFSIGNALED(status)) refuse(program, "was ended by signal " + std::to_string(WTERMSIG(status)));
                return WEXITSTATUS(status);
            }
            context.check("run credential_process");
            ::poll(nullptr, 0, pauseMs);
        }
    }

private:
    Poco::Pipe pipe_;
    Poco::ProcessHandle handle_;
    bool waited_ = false;
};

}  // namespace

Credentials runCredentialProcess(const std::string& command, const CallContext& context) {
    std::vector<std::string> words = splitWords(command);
    if (words.empty()) throw Error(ErrorCode::Denied, "credential_process: names no program");
    const std::string program = words.front();
    words.erase(words.begin());
    try {
        Child child(program, words);
        const Secret output = child.output(context, program);
        const int status = child.wait(context, program);
        // 72 is what a child ends with that cannot start the program.
        if (status == 72) refuse(program, "cannot be run. Give its full path");
        if (status != 0) refuse(program, "ended with status " + std::to_string(status));
        return credentialsFromJson(output, "SessionToken", "credential_process " + program);
    } catch (const Poco::Exception& exception) {
        refuse(program, exception.displayText());
    }
}

}  // namespace litestream::s3
