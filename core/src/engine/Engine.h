#pragma once

#include "levels/Inventory.h"
#include "levels/Settings.h"
#include "plugin/Registry.h"
#include "replica/ReplicaStore.h"
#include "transport/Compose.h"
#include "util/Clock.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace litestream::engine {

class Database;

/// One place that a database is replicated to.
struct ReplicaOptions {
    std::string name;       ///< for log lines and status: the transport's name, numbered when there are several
    std::string transport;  ///< plugin name
    OptionValues options;   ///< checked by the registry when the transport is opened
    levels::Settings levels{};
};

struct DatabaseOptions {
    std::filesystem::path path;      ///< absolute
    std::filesystem::path metaPath;  ///< metadata directory; empty = ".<name>-litestream" beside the database
    std::string source = "auto";  ///< plugin name, or "auto" (AutoSource.h)
    OptionValues sourceOptions;
    std::string codec = "lz4";
    OptionValues codecOptions;
    std::vector<ReplicaOptions> replicas;
    /// Least distance between two objects; absent = at once after quiet, batched under sustained load (docs/architecture.md, "Cadence").
    std::optional<std::chrono::nanoseconds> syncInterval;
    bool takeover = false;  ///< adopt a replica although another writer seems to be alive
    /// For a program that does not stay. Nothing is compacted or deleted by itself, and a wait (Engine::sync and so on) gives a replica up when it has failed
    /// for this long without any success, or at once when only a person can help.
    std::optional<std::chrono::nanoseconds> patience;
};

struct Limits {
    std::uint64_t cutBytes = 8u << 20;         ///< a batch with this many bytes of pages is cut
    std::uint64_t memoryBytes = 32u << 20;     ///< of captured and encoded data in the whole process
    std::uint64_t spoolBytes = 1u << 30;       ///< of unsent files per database, on disk
    /// Least distance between two objects that hold a whole database because its continuity was lost; a sync or a stop does not wait for it.
    std::chrono::nanoseconds fullReconcileInterval = std::chrono::minutes(10);
    /// Longest wait after a failed call during a stop, and for databases with a `patience`; a store that asks for more gets it.
    std::chrono::milliseconds hurriedWait{500};
    unsigned workers = 2;                      ///< threads for capture and encoding
    unsigned ioThreads = 8;                    ///< threads for blocking transport calls
    transport::Rates rates;                    ///< of requests to all replicas together
    transport::RetryPolicy retry;              ///< of every request
};

struct ReplicaStatus {
    std::string name;
    std::string state;  ///< "following", "seeding", "failing: ...", "stopped: ..."
    Txid acknowledged;
    std::uint64_t behind = 0;          ///< TXIDs that were cut and that it lacks
    std::optional<Timestamp> lacking;  ///< when the oldest of them was cut that waits for it; nothing = none waits
    std::size_t files = 0;             ///< that it holds, and their bytes
    std::uint64_t bytes = 0;
    levels::Proven proven;
    std::string lastError;
    std::shared_ptr<const transport::Metrics> requests;  ///< live: shared with the transport, which counts on
};

struct DatabaseStatus {
    std::filesystem::path path;
    std::string state;
    Txid txid;  ///< newest TXID that was cut
    SourceStatus source;
    std::vector<ReplicaStatus> replicas;
    std::uint64_t reconciles = 0;
    std::string lastReconcile;  ///< cause
};

/// What a wait is for.
enum class Aim {
    Synced,     ///< every replica has what was committed when the wait began
    Snapshots,  ///< ... and a snapshot of that
    Retention,  ///< ... and nothing that may be deleted
};

/// How a shutdown went.
struct StopReport {
    bool complete = true;               ///< every replica acknowledged the last captured transaction
    std::vector<std::string> unfinished;  ///< one line per database that did not make it
};

/// Follows databases and keeps their replicas current. The face of core for applications.
///
/// Threads: all methods may be called from any thread except from a callback of the engine. No thread, timer or request per idle database.
class Engine {
public:
    Engine(const plugin::Registry& registry, Limits limits, std::shared_ptr<WallClock> clock = std::make_shared<SystemWallClock>());
    /// As stop() with no patience.
    ~Engine();

    /// Begins to follow a database. Throws Error(InvalidArgument) when the options contradict each other or the database (by path or by
    /// inode) or one of its replicas is taken; Error(Conflict) when another process holds its metadata directory.
    /// A database that does not exist yet is waited for.
    void add(const DatabaseOptions& options);

    /// Ends following one database, as stop() ends all. Its replicas keep what they have, and it may be added again. Throws Error(NotFound) when it is not followed.
    StopReport remove(const std::filesystem::path& database, std::chrono::nanoseconds patience);

    /// Captures what is committed now and waits until every replica has it. Throws Error(Cancelled) when the context ends before. With
    /// DatabaseOptions::patience it throws what failed, as soon as every replica either has everything or is given up: "sync database PATH: ..." where the
    /// database cannot be followed, "sync replica for PATH: ..." otherwise, which a database that does not exist is part of.
    void sync(const std::filesystem::path& database, const CallContext& context);

    /// As sync(); then waits until every replica has a snapshot of that state or a newer one. One is made of the database where the newest snapshot is
    /// of an older state. Throws "snapshot PATH: ..." as sync() does.
    void snapshot(const std::filesystem::path& database, const CallContext& context);

    /// As sync(); then deletes at every replica all that may be deleted now (docs/levels.md, "Retention"), one request after the other. Throws "enforce retention for
    /// PATH: ..." as sync() does, and when a file could not be deleted.
    void enforceRetention(const std::filesystem::path& database, const CallContext& context);

    /// Final capture, cut and upload of everything, for at most `patience`; then closes. No patience at all means one attempt for each replica, however long it
    /// takes. Calling interrupt() from another thread or a signal watcher ends the patience.
    StopReport stop(std::chrono::nanoseconds patience);
    void interrupt();

    std::vector<DatabaseStatus> status() const;

private:
    struct State;
    void await(const std::filesystem::path& database, Aim aim, const CallContext& context);
    StopReport close(const std::vector<std::shared_ptr<Database>>& databases, std::chrono::nanoseconds patience);

    std::unique_ptr<State> state_;
};

}  // namespace litestream::engine
