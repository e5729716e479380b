#include "common/Daemon.h"

#include "common/CancelOnSignal.h"
#include "common/ChildProcess.h"
#include "common/FollowDatabase.h"
#include "common/Process.h"
#include "common/RestoreMissing.h"
#include "common/SignalWatch.h"
#include "common/WatchedDatabases.h"

#include <optional>
#include <thread>

namespace litestream::app {
namespace {

void startDatabases(engine::Engine& engine, const Setup& setup) {
    if (setup.config.databases.empty()) log::error("no databases specified in configuration");
    for (const engine::DatabaseOptions& database : setup.databases) followDatabase(engine, *setup.registry, database);
}

/// Waits for the order to stop. With a child that is its end; signals are passed on to it.
void waitForEnd(SignalWatch& signals, std::optional<ChildProcess>& child) {
    bool stopping = false;
    while (true) {
        const int signal = signals.wait();
        if (signal == SIGCHLD) {
            if (!child || !child->reap()) continue;
            if (!stopping) log::info("subprocess exited, litestream shutting down");
            return;
        }
        log::info("signal received, litestream shutting down", {{"signal", SignalWatch::describe(signal)}});
        if (!child || child->reap()) return;
        stopping = true;
        log::info("sending signal to exec process");
        child->signal(signal);
        log::info("waiting for exec process to close");
    }
}

/// Stops the engine; a signal meanwhile ends its patience. Returns whether everything reached its replicas.
bool stopEngine(engine::Engine& engine, SignalWatch& signals, std::chrono::nanoseconds patience) {
    Event done;
    std::thread watcher([&] {
        while (const auto signal = signals.waitUntil(done)) {
            if (*signal == SIGCHLD) continue;
            log::warn("shutdown sync interrupted by signal", {{"signal", SignalWatch::describe(*signal)}});
            engine.interrupt();
        }
    });
    engine::StopReport report;
    try {
        report = engine.stop(patience);
    } catch (const std::exception& error) {
        report.complete = false;
        report.unfinished.emplace_back(error.what());
    }
    done.set();
    watcher.join();
    for (const std::string& line : report.unfinished) log::error("failed to close database", {{"error", line}});
    return report.complete;
}

constexpr const char* kIncomplete =
    "the final sync is incomplete: the replicas lack the newest transactions. "
    "They follow with the next start";

void syncOnce(engine::Engine& engine, const std::filesystem::path& database, const OneShot& once, const CancellationToken& stop) {
    const std::string path = database.string();
    const CallContext context{.cancellation = stop};
    log::info("syncing database", {{"path", path}});
    engine.sync(database, context);
    if (once.snapshot) {
        log::info("taking snapshot", {{"path", path}});
        engine.snapshot(database, context);
    }
    if (once.retention) {
        log::info("enforcing retention", {{"path", path}});
        engine.enforceRetention(database, context);
    }
}

/// A database that fails does not keep the others from their turn. Returns the first failure, or "".
std::string syncAll(engine::Engine& engine, SignalWatch& signals, const Setup& setup, const OneShot& once) {
    const CancelOnSignal stop(signals);
    std::string first;
    for (const engine::DatabaseOptions& database : setup.databases) {
        try {
            syncOnce(engine, database.path, once, stop.token());
        } catch (const Error& error) {
            if (stop.token().cancelled()) return "interrupted";
            log::error("one-shot replication failed", {{"path", database.path.string()}, {"error", error.what()}});
            if (first.empty()) first = error.what();
        }
    }
    if (first.empty()) log::info("one-shot replication complete");
    return first;
}

void replicateOnce(engine::Engine& engine, SignalWatch& signals, const Setup& setup, const OneShot& once) {
    const std::string failure = syncAll(engine, signals, setup, once);
    log::info("replication complete, litestream shutting down");
    const bool complete = stopEngine(engine, signals, setup.config.shutdownSyncTimeout);
    log::info("litestream shut down");
    if (!failure.empty()) throw Error(ErrorCode::Transient, failure);
    if (!complete) throw Error(ErrorCode::Transient, kIncomplete);
}

/// From here on every way out ends in a final sync.
void follow(engine::Engine& engine, SignalWatch& signals, const Setup& setup) {
    const config::Config& config = setup.config;
    std::string failure;
    try {
        const WatchedDatabases watched(engine, setup);
        std::optional<ChildProcess> child;
        if (!config.exec.empty()) child.emplace(config.exec);
        waitForEnd(signals, child);
        if (child) failure = child->failure();
    } catch (const Error& error) {
        failure = error.what();
    }
    const bool complete = stopEngine(engine, signals, config.shutdownSyncTimeout);
    log::info("litestream shut down");
    if (!failure.empty()) throw Error(ErrorCode::Transient, failure);
    if (!complete) throw Error(ErrorCode::Transient, kIncomplete);
}

engine::Limits limitsOf(const config::Config& config) {
    engine::Limits limits = config.limits;
    limits.hurriedWait = std::chrono::ceil<std::chrono::milliseconds>(config.shutdownSyncInterval);
    return limits;
}

}  // namespace

void runDaemon(const std::function<Setup()>& makeSetup, const RunFlags& flags) {
    prepareProcess();
    SignalWatch signals;
    Setup setup = makeSetup();
    if (!restoreMissing(setup, flags.restoreIfNotExists, signals)) return;
    engine::Engine engine(*setup.registry, limitsOf(setup.config));
    if (!flags.once) {
        startDatabases(engine, setup);
        follow(engine, signals, setup);
        return;
    }
    for (engine::DatabaseOptions& database : setup.databases) database.patience = setup.config.shutdownSyncTimeout;
    startDatabases(engine, setup);
    replicateOnce(engine, signals, setup, *flags.once);
}

}  // namespace litestream::app
