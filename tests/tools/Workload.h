#pragma once

#include "Chain.h"
#include "Database.h"

#include <memory>
#include <string>
#include <vector>

namespace litestream::tools {

struct WorkloadOptions {
    std::string path;
    int pageSize = 4096;
    int autoVacuum = 0;  ///< 0 none, 1 full, 2 incremental
    int autocheckpoint = 1000;
    std::string journalMode = "WAL";  ///< upper case
    std::string synchronous = "NORMAL";
    int busyTimeoutMs = 10000;
    std::uint64_t seed = 1;
    Settings settings;
};

/// One connection of an application: transactions of the chain and, when asked for, everything else that applications do to a database.
///
/// Transactions of several processes interleave: n is read inside the write transaction.
class Workload {
public:
    /// Opens the database and creates its tables if need be. `salt` sets this connection's own dice apart from those of others.
    Workload(const WorkloadOptions& options, std::uint64_t salt);
    ~Workload();

    /// Commits the next transaction and returns its n. Throws SqliteError after rolling back.
    std::uint64_t transact();
    /// One of: a rolled-back transaction, a schema change, VACUUM, incremental vacuum, any checkpoint, reopening. Errors other than
    /// busy are thrown.
    void disturb();

    std::uint64_t rowBytesWritten() const noexcept { return rowBytes_; }
    std::int64_t databaseBytes();

private:
    struct Statements;

    void open();
    void create();
    void apply(std::uint64_t n, std::uint64_t previousHash);
    void insertRows(std::uint64_t n, std::uint64_t count);
    void scribble();
    void abandonTransaction();
    void changeSchema();

    WorkloadOptions options_;
    Random dice_;
    std::uint64_t rowBytes_ = 0;
    std::vector<std::byte> row_;
    std::unique_ptr<Database> database_;
    std::unique_ptr<Statements> statements_;  ///< prepared on database_, destroyed before it
};

}  // namespace litestream::tools
