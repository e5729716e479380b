#pragma once

#include <sys/types.h>
#include <optional>
#include <string>

namespace litestream::app {

/// The program that `-exec` runs beside replication: our environment, stdout and stderr, no stdin.
class ChildProcess {
public:
    /// Throws Error(InvalidArgument) "cannot parse exec command: ..." or "cannot start exec command: ...".
    explicit ChildProcess(const std::string& commandLine);

    void signal(int number) noexcept;

    /// True once the child has ended; never blocks. Called after SIGCHLD.
    bool reap();

    /// How the child failed, in Go's words ("exit status 3", "signal: killed"); empty after success.
    /// A death by a signal that we sent is no failure.
    std::string failure() const;

private:
    pid_t pid_ = -1;
    int status_ = 0;
    bool ended_ = false;
    bool signalled_ = false;
};

}  // namespace litestream::app
