#include "common/Process.h"

#include <malloc.h>
#include <sys/resource.h>
#include <csignal>

namespace litestream::app {
namespace {

/// Three descriptors per database: the soft limit of 1024 would end at some three hundred.
void raiseDescriptorLimit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// An arena per thread would keep every pool thread's high-water mark for ever.
void limitArenas() {
#ifdef M_ARENA_MAX
    ::mallopt(M_ARENA_MAX, 2);
#endif
}

}  // namespace

void prepareProcess() {
    std::signal(SIGPIPE, SIG_IGN);
    raiseDescriptorLimit();
    limitArenas();
}

}  // namespace litestream::app
