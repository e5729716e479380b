#include "engine/Engine.h"

#include "engine/Database.h"
#include "util/Inode.h"

#include <litestream/Error.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <set>

namespace litestream::engine {

namespace {

/// Databases that nothing refers to any more. Whoever drops the last reference may be a thread of the database's own source, so they are put away here and
/// ended by the one who closed them.
class Retired {
public:
    void operator()(Database* database) {
        std::unique_ptr<Database> owned(database);
        const std::lock_guard lock(mutex_);
        if (closed_) return;
        waiting_.insert(owned.get());
        changed_.notify_all();
        static_cast<void>(owned.release());
    }
    /// Waits until nothing refers to the database, then ends it.
    void end(Database* database) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return waiting_.contains(database); });
        waiting_.erase(database);
        lock.unlock();
        database->finish();
        delete database;
    }
    /// From now on nothing is put away: all of them have ended.
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        for (Database* database : std::exchange(waiting_, {})) delete database;
    }

private:
    std::mutex mutex_;  // guards what follows
    bool closed_ = false;
    std::condition_variable changed_;
    std::set<Database*> waiting_;
};

}  // namespace

struct Engine::State {
    struct Followed {
        std::shared_ptr<Database> database;
        std::optional<Inode> inode;  ///< when it was added
        std::set<std::string> locations;
    };

    State(const plugin::Registry& registry, const Limits& limits, std::shared_ptr<WallClock> clock)
        : services{registry,
                   limits,
                   std::move(clock),
                   limits.rates.limited() ? std::make_shared<transport::RateLimit>(limits.rates, transport::systemTiming()) : nullptr,
                   ChunkPool(limits.memoryBytes),
                   boost::asio::thread_pool(limits.workers),
                   boost::asio::thread_pool(limits.ioThreads),
                   Admission(services.io, std::max(1u, limits.ioThreads / 4))} {}

    Retired retired;  // outlives what may still refer to a database
    Services services;

    mutable std::mutex mutex;  // guards everything below
    std::condition_variable changed;
    std::map<std::filesystem::path, Followed> databases;
    bool interrupted = false;
    bool stopped = false;
};

namespace {

/// One text for one place, so that two spellings of the same options are the same.
std::string location(const ReplicaOptions& replica) {
    std::string text = replica.transport;
    for (const auto& [name, value] : replica.options.texts()) text += "\n" + name + "=" + value;
    return text;
}

/// What is missing where. For a database that is too busy to say, that something is.
std::string unfinished(Database& database) {
    constexpr auto kPatience = std::chrono::milliseconds(300);
    const auto answer = std::make_shared<std::promise<DatabaseStatus>>();
    auto future = answer->get_future();
    database.status([answer](DatabaseStatus status) { answer->set_value(std::move(status)); });
    std::string text = "not every replica has the last transactions";
    if (future.wait_for(kPatience) != std::future_status::ready) return text;
    const DatabaseStatus status = future.get();
    if (!status.txid) return text + " (" + status.state + ")";
    for (const ReplicaStatus& replica : status.replicas) {
        if (replica.state == "following" && replica.acknowledged >= status.txid) continue;
        text += "; " + replica.name + " is " + replica.state + " at TXID " + ltx::format(replica.acknowledged) + " of " + ltx::format(status.txid);
        if (!replica.lastError.empty()) text += ": " + replica.lastError;
    }
    return text;
}

}  // namespace

Engine::Engine(const plugin::Registry& registry, Limits limits, std::shared_ptr<WallClock> clock)
    : state_(std::make_unique<State>(registry, limits, std::move(clock))) {}

Engine::~Engine() {
    interrupt();
    stop(std::chrono::nanoseconds(0));
}

void Engine::add(const DatabaseOptions& options) {
    if (!options.path.is_absolute()) {
        throw Error(ErrorCode::InvalidArgument, "database path must be absolute: " + options.path.string());
    }
    if (options.replicas.empty()) {
        throw Error(ErrorCode::InvalidArgument, "must specify replica for database: " + options.path.string());
    }
    const std::unique_lock lock(state_->mutex);
    if (state_->databases.contains(options.path)) {
        throw Error(ErrorCode::InvalidArgument, "duplicate path " + options.path.string() + ": each database can be listed only once");
    }
    State::Followed added;
    added.inode = inodeOf(options.path);
    const auto anyOf = [&](auto same) { return std::any_of(state_->databases.begin(), state_->databases.end(), [&](const auto& entry) { return same(entry.second); }); };
    if (added.inode && anyOf([&](const State::Followed& other) { return other.inode == added.inode; })) {
        throw Error(ErrorCode::InvalidArgument,
                    options.path.string() + " is the same file as another database: list it only once");
    }
    for (const auto& replica : options.replicas) {
        const std::string place = location(replica);
        if (anyOf([&](const State::Followed& other) { return other.locations.contains(place); }) || !added.locations.insert(place).second) {
            throw Error(ErrorCode::InvalidArgument, "replica " + replica.name + " of " + options.path.string() +
                                                        " is used twice: every database and replica needs a place of its own");
        }
    }
    added.database = {new Database(state_->services, options), std::ref(state_->retired)};
    try {
        added.database->start();
    } catch (...) {
        Database* const failed = added.database.get();
        added.database.reset();
        state_->retired.end(failed);
        throw;
    }
    state_->databases.emplace(options.path, std::move(added));
}

StopReport Engine::remove(const std::filesystem::path& path, std::chrono::nanoseconds patience) {
    std::shared_ptr<Database> database;
    {
        const std::unique_lock lock(state_->mutex);
        const auto entry = state_->databases.find(path);
        if (state_->stopped || entry == state_->databases.end()) throw Error(ErrorCode::NotFound, "database not found: " + path.string());
        database = entry->second.database;
    }
    const StopReport report = close({database}, patience);
    Database* const closed = database.get();
    {
        const std::unique_lock lock(state_->mutex);
        if (state_->stopped) return report;  // stop() ends it
        state_->databases.erase(path);
    }
    closed->cancel();
    database.reset();
    state_->retired.end(closed);
    return report;
}

void Engine::sync(const std::filesystem::path& database, const CallContext& context) { await(database, Aim::Synced, context); }

void Engine::snapshot(const std::filesystem::path& database, const CallContext& context) { await(database, Aim::Snapshots, context); }

void Engine::enforceRetention(const std::filesystem::path& database, const CallContext& context) { await(database, Aim::Retention, context); }

void Engine::await(const std::filesystem::path& database, Aim aim, const CallContext& context) {
    std::shared_ptr<Database> found;
    {
        const std::unique_lock lock(state_->mutex);
        const auto entry = state_->databases.find(database);
        if (entry == state_->databases.end()) throw Error(ErrorCode::NotFound, "database not found: " + database.string());
        found = entry->second.database;
    }
    const Error late(ErrorCode::Cancelled, "sync " + database.string() + ": not every replica has it");
    const auto outcome = std::make_shared<std::promise<std::optional<Error>>>();
    const auto once = std::make_shared<std::once_flag>();
    const auto settle = [outcome, once](const std::optional<Error>& failure) {
        std::call_once(*once, [&] { outcome->set_value(failure); });
    };
    auto future = outcome->get_future();
    const auto registration = context.cancellation.onCancel([settle, late] { settle(late); });
    found->await(aim, settle);
    if (future.wait_for(context.remaining()) != std::future_status::ready) throw late;
    if (const auto failure = future.get()) throw *failure;
}

void Engine::interrupt() {
    const std::unique_lock lock(state_->mutex);
    state_->interrupted = true;
    state_->changed.notify_all();
}

StopReport Engine::close(const std::vector<std::shared_ptr<Database>>& databases, std::chrono::nanoseconds patience) {
    // Answers may come after we have left: they are kept apart from the engine.
    const auto answers = std::make_shared<std::map<std::filesystem::path, bool>>();
    const bool once = patience.count() <= 0;
    for (const auto& database : databases) {
        database->close(once, [state = state_.get(), answers, path = database->path()](const std::optional<Error>& failure) {
            const std::unique_lock answering(state->mutex);
            (*answers)[path] = !failure;
            state->changed.notify_all();
        });
    }
    std::unique_lock lock(state_->mutex);
    const auto over = [&] { return state_->interrupted || answers->size() == databases.size(); };
    if (once) {
        state_->changed.wait(lock, over);
    } else {
        state_->changed.wait_until(lock, std::chrono::steady_clock::now() + patience, over);
    }
    const auto complete = *answers;
    lock.unlock();
    StopReport report;
    for (const auto& database : databases) {
        const auto answer = complete.find(database->path());
        if (answer != complete.end() && answer->second) continue;
        report.complete = false;
        report.unfinished.push_back(database->path().string() + ": " + unfinished(*database));
    }
    return report;
}

StopReport Engine::stop(std::chrono::nanoseconds patience) {
    std::vector<std::shared_ptr<Database>> databases;
    {
        const std::unique_lock lock(state_->mutex);
        if (std::exchange(state_->stopped, true)) return {};
        for (const auto& entry : state_->databases) databases.push_back(entry.second.database);
    }
    StopReport report = close(databases, patience);
    for (const auto& database : databases) database->cancel();
    state_->services.io.join();
    state_->services.workers.join();
    for (const auto& database : databases) database->finish();
    databases.clear();
    const std::unique_lock lock(state_->mutex);
    state_->databases.clear();
    state_->retired.close();
    return report;
}

std::vector<DatabaseStatus> Engine::status() const {
    std::vector<std::shared_ptr<Database>> databases;
    {
        const std::unique_lock lock(state_->mutex);
        if (state_->stopped) return {};
        for (const auto& entry : state_->databases) databases.push_back(entry.second.database);
    }
    std::vector<std::future<DatabaseStatus>> answers;
    for (const auto& database : databases) {
        const auto answer = std::make_shared<std::promise<DatabaseStatus>>();
        answers.push_back(answer->get_future());
        database->status([answer](DatabaseStatus status) { answer->set_value(std::move(status)); });
    }
    std::vector<DatabaseStatus> result;
    for (auto& answer : answers) result.push_back(answer.get());
    return result;
}

}  // namespace litestream::engine
