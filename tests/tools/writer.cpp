/// A busy application in real processes: `writer --db app.db --seconds 5 --gap 50-450 --log commits.bin`.
/// Prints a JSON summary at the end; SIGTERM ends it early and properly, SIGKILL takes all its processes along.

#include "Latencies.h"
#include "Stopping.h"
#include "Workload.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <getopt.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>
#include <thread>

namespace litestream::tools {
namespace {

constexpr char kUsage[] =
    R"(usage: writer --db PATH [options]
  --db PATH             database; with --databases N the first {} is the number of each
  --databases N         spread transactions over N databases in turn (1)
  --processes N         writing processes (1)
  --seconds S           end after S seconds
  --count N             end after N transactions per process and database
  --until-bytes N       end when the database has this size
  --rate R              transactions per second, process and database; as fast as possible when absent
  --gap A[-B]           pause of A to B ms between two transactions
  --rows N              rows per transaction (1)
  --row-bytes N         bytes per row (100)
  --random-percent P    share of a row that does not compress (100)
  --page-size N         of a new database (4096)
  --auto-vacuum M       0 none, 1 full, 2 incremental (0)
  --autocheckpoint N    pages (1000)
  --journal-mode MODE   WAL, DELETE, TRUNCATE, PERSIST (WAL)
  --synchronous MODE    (NORMAL)
  --busy-timeout MS     (10000)
  --chaos               spills, rollbacks, schema changes, VACUUM, checkpoints of all modes, reopening, deletions
  --seed N              (1)
  --log FILE            append a record per commit
  --fsync-log           and fsync it
  --stop-on-error       end at the first error that is not "busy"
)";

struct Options {
    WorkloadOptions workload;
    std::uint64_t databases = 1;
    int processes = 1;
    double seconds = 0;
    std::uint64_t count = 0;
    std::int64_t untilBytes = 0;
    double rate = 0;
    double gapLowMs = 0;
    double gapHighMs = 0;
    std::string log;
    bool fsyncLog = false;
    bool stopOnError = false;
};

/// What the processes report to their parent, in shared memory.
struct Tally {
    Latencies latencies;
    std::atomic<std::uint64_t> rowBytes{0}, busy{0}, errors{0}, largestWal{0}, newest{0};
};

/// Sleeps to a moment of the monotonic clock, less when a signal arrives.
void sleepUntil(std::uint64_t ns) {
    const timespec t{static_cast<time_t>(ns / 1000000000ULL), static_cast<long>(ns % 1000000000ULL)};
    while (stopping == 0 && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) == EINTR) {
    }
}

void raise(std::atomic<std::uint64_t>& maximum, std::uint64_t value) {
    std::uint64_t seen = maximum.load();
    while (value > seen && !maximum.compare_exchange_weak(seen, value)) {
    }
}

std::string pathOf(const Options& options, std::uint64_t database) {
    std::string path = options.workload.path;
    if (const auto at = path.find("{}"); at != std::string::npos) {
        path.replace(at, 2, fmt::format("{:05}", database));
    }
    return path;
}

/// One writing process.
class Writer {
public:
    Writer(const Options& options, Tally& tally, int process)
        : options_(options), tally_(tally), process_(process), dice_(mix(options.workload.seed) + static_cast<unsigned>(process)) {
        if (!options.log.empty()) {
            log_ = ::open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
            if (log_ < 0) {
                throw std::runtime_error(fmt::format("open {}: {}", options.log, strerror(errno)));
            }
        }
        for (std::uint64_t d = 0; d < options.databases; ++d) {
            WorkloadOptions workload = options.workload;
            workload.path = pathOf(options, d);
            wals_.push_back(workload.path + "-wal");
            workloads_.push_back(std::make_unique<Workload>(workload, d * 1000 + static_cast<std::uint64_t>(process)));
        }
    }

    /// False when it was ended by an error.
    bool run() {
        const std::uint64_t start = nowNs();
        const std::uint64_t end = options_.seconds > 0 ? start + static_cast<std::uint64_t>(options_.seconds * 1e9) : UINT64_MAX;
        const std::uint64_t limit = options_.count > 0 ? options_.count * options_.databases : UINT64_MAX;
        for (std::uint64_t k = 0; k < limit && stopping == 0; ++k) {
            if (options_.rate > 0) {
                const double perTransaction = 1e9 / (options_.rate * static_cast<double>(options_.databases));
                sleepUntil(std::min(end, start + static_cast<std::uint64_t>(static_cast<double>(k) * perTransaction)));
            }
            if (stopping != 0 || nowNs() >= end) {
                break;
            }
            const auto database = static_cast<std::uint32_t>(k % options_.databases);
            if (!step(database)) {
                return false;
            }
            if (options_.untilBytes > 0 && workloads_[database]->databaseBytes() >= options_.untilBytes) {
                break;
            }
            pause(end);
        }
        return true;
    }

    std::uint64_t rowBytes() const {
        std::uint64_t sum = 0;
        for (const auto& workload : workloads_) {
            sum += workload->rowBytesWritten();
        }
        return sum;
    }

private:
    bool step(std::uint32_t database) {
        Workload& workload = *workloads_[database];
        try {
            const std::uint64_t begin = nowNs();
            const std::uint64_t n = workload.transact();
            const std::uint64_t committed = nowNs();
            record({n, committed, static_cast<std::uint32_t>((committed - begin) / 1000), database});
            if (options_.workload.settings.chaos && dice_.oneIn(20)) {
                workload.disturb();
            }
        } catch (const SqliteError& error) {
            if (error.busy()) {
                tally_.busy++;
                return true;
            }
            tally_.errors++;
            fmt::print(stderr, "writer {}: {}\n", process_, error.what());
            return !options_.stopOnError;
        }
        struct stat wal {};
        if (::stat(wals_[database].c_str(), &wal) == 0) {
            raise(tally_.largestWal, static_cast<std::uint64_t>(wal.st_size));
        }
        return true;
    }

    void record(const CommitRecord& commit) {
        tally_.latencies.add(commit.transactionUs);
        raise(tally_.newest, commit.n);
        if (log_ < 0) {
            return;
        }
        if (::write(log_, &commit, sizeof commit) != sizeof commit || (options_.fsyncLog && ::fsync(log_) != 0)) {
            throw std::runtime_error(fmt::format("write {}: {}", options_.log, strerror(errno)));
        }
    }

    void pause(std::uint64_t end) {
        if (options_.gapHighMs <= 0) {
            return;
        }
        const double share = static_cast<double>(dice_.below(1u << 20)) / (1u << 20);
        const double ms = options_.gapLowMs + share * (options_.gapHighMs - options_.gapLowMs);
        sleepUntil(std::min(end, nowNs() + static_cast<std::uint64_t>(ms * 1e6)));
    }

    const Options& options_;
    Tally& tally_;
    int process_;
    Random dice_;
    int log_ = -1;
    std::vector<std::string> wals_;
    std::vector<std::unique_ptr<Workload>> workloads_;
};

int child(const Options& options, Tally& tally, int process) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
        Writer writer(options, tally, process);
        const bool good = writer.run();
        tally.rowBytes += writer.rowBytes();
        return good ? 0 : 1;
    } catch (const std::exception& error) {
        tally.errors++;
        fmt::print(stderr, "writer {}: {}\n", process, error.what());
        return 1;
    }
}

bool parse(int argc, char** argv, Options& o) {
    enum { Db = 1, Databases, Processes, Seconds, Count, UntilBytes, Rate, Gap, Rows, RowBytes, RandomPercent, PageSize, AutoVacuum,
           Autocheckpoint, JournalMode, Synchronous, BusyTimeout, Chaos, Seed, Log, FsyncLog, StopOnError };
    static const option kOptions[] = {
        {"db", 1, nullptr, Db}, {"databases", 1, nullptr, Databases}, {"processes", 1, nullptr, Processes},
        {"seconds", 1, nullptr, Seconds}, {"count", 1, nullptr, Count}, {"until-bytes", 1, nullptr, UntilBytes},
        {"rate", 1, nullptr, Rate}, {"gap", 1, nullptr, Gap}, {"rows", 1, nullptr, Rows}, {"row-bytes", 1, nullptr, RowBytes},
        {"random-percent", 1, nullptr, RandomPercent}, {"page-size", 1, nullptr, PageSize}, {"auto-vacuum", 1, nullptr, AutoVacuum},
        {"autocheckpoint", 1, nullptr, Autocheckpoint}, {"journal-mode", 1, nullptr, JournalMode}, {"synchronous", 1, nullptr, Synchronous},
        {"busy-timeout", 1, nullptr, BusyTimeout}, {"chaos", 0, nullptr, Chaos}, {"seed", 1, nullptr, Seed}, {"log", 1, nullptr, Log},
        {"fsync-log", 0, nullptr, FsyncLog}, {"stop-on-error", 0, nullptr, StopOnError}, {nullptr, 0, nullptr, 0}};
    const auto number = [] { return std::strtoull(optarg, nullptr, 10); };
    for (int c = 0; (c = ::getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
        switch (c) {
            case Db: o.workload.path = optarg; break;
            case Databases: o.databases = number(); break;
            case Processes: o.processes = std::atoi(optarg); break;
            case Seconds: o.seconds = std::atof(optarg); break;
            case Count: o.count = number(); break;
            case UntilBytes: o.untilBytes = std::atoll(optarg); break;
            case Rate: o.rate = std::atof(optarg); break;
            case Gap: {
                char* rest = nullptr;
                o.gapLowMs = std::strtod(optarg, &rest);
                o.gapHighMs = *rest == '-' ? std::atof(rest + 1) : o.gapLowMs;
                break;
            }
            case Rows: o.workload.settings.rows = number(); break;
            case RowBytes: o.workload.settings.rowBytes = number(); break;
            case RandomPercent: o.workload.settings.randomPercent = number(); break;
            case PageSize: o.workload.pageSize = std::atoi(optarg); break;
            case AutoVacuum: o.workload.autoVacuum = std::atoi(optarg); break;
            case Autocheckpoint: o.workload.autocheckpoint = std::atoi(optarg); break;
            case JournalMode: o.workload.journalMode = optarg; break;
            case Synchronous: o.workload.synchronous = optarg; break;
            case BusyTimeout: o.workload.busyTimeoutMs = std::atoi(optarg); break;
            case Chaos: o.workload.settings.chaos = true; break;
            case Seed: o.workload.seed = number() >> 1; break;
            case Log: o.log = optarg; break;
            case FsyncLog: o.fsyncLog = true; break;
            case StopOnError: o.stopOnError = true; break;
            default: return false;
        }
    }
    const bool ends = o.seconds > 0 || o.count > 0 || o.untilBytes > 0;
    const bool sizes = o.workload.settings.rows > 0 && o.workload.settings.rowBytes > 0 && o.workload.settings.randomPercent <= 100;
    return !o.workload.path.empty() && ends && sizes && o.databases > 0 && o.processes > 0 && optind == argc;
}

void report(const Options& options, const Tally& tally, double seconds) {
    const auto transactions = tally.latencies.count();
    fmt::print(R"({{"tx": {}, "seconds": {:.3f}, "tx_per_s": {:.1f}, "row_bytes": {}, "p50_ms": {:.3f}, "p99_ms": {:.3f}, "max_ms": {:.3f}, )"
               R"("largest_wal": {}, "busy": {}, "errors": {}, "newest": {}, "seed": {}}})" "\n",
               transactions, seconds, static_cast<double>(transactions) / seconds, tally.rowBytes.load(),
               static_cast<double>(tally.latencies.percentileUs(0.5)) / 1000, static_cast<double>(tally.latencies.percentileUs(0.99)) / 1000,
               static_cast<double>(tally.latencies.maximumUs()) / 1000, tally.largestWal.load(), tally.busy.load(), tally.errors.load(),
               tally.newest.load(), options.workload.seed);
}

int run(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        std::fputs(kUsage, stderr);
        return 2;
    }
    stopOnSignals();
    void* shared = ::mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        std::perror("mmap");
        return 1;
    }
    Tally& tally = *new (shared) Tally;

    const std::uint64_t start = nowNs();
    std::vector<pid_t> children;
    for (int p = 0; p < options.processes; ++p) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            std::_Exit(child(options, tally, p));
        }
        children.push_back(pid);
    }
    bool good = true;
    for (const pid_t pid : children) {
        int status = 0;
        while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
            // Whoever signalled this process alone means all of them.
            std::for_each(children.begin(), children.end(), [](pid_t each) { ::kill(each, SIGTERM); });
        }
        good = good && status == 0;
    }
    report(options, tally, static_cast<double>(nowNs() - start) / 1e9);
    return good ? 0 : 1;
}

}  // namespace
}  // namespace litestream::tools

int main(int argc, char** argv) { return litestream::tools::run(argc, argv); }
