#include "Workload.h"

#include <chrono>
#include <thread>
#include <cstring>

namespace litestream::tools {

struct Workload::Statements {
    explicit Statements(sqlite3* db)
        : begin(db, "BEGIN IMMEDIATE"),
          commit(db, "COMMIT"),
          read(db, "SELECT n, h, seed FROM chain WHERE id = 1"),
          advance(db, "UPDATE chain SET n = ?1, h = ?2, mark = ?3 WHERE id = 1"),
          insert(db, "INSERT INTO rows(id, n, i, body) VALUES(NULLIF(?1, 0), ?2, ?3, ?4)"),
          erase(db, "DELETE FROM rows WHERE n >= ?1 AND n < ?2") {}

    Statement begin, commit, read, advance, insert, erase;
};

Workload::Workload(const WorkloadOptions& options, std::uint64_t salt) : options_(options), dice_(mix(options.seed) ^ mix(salt + 1)) {
    create();
    open();
}

Workload::~Workload() = default;

namespace {

/// Several processes may begin at once, and SQLite does not ask the busy handler for a change of the journal mode.
void enterJournalMode(Database& db, const std::string& mode, int patienceMs) {
    const std::string change = "PRAGMA journal_mode = " + mode;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(patienceMs);
    while (sqlite3_exec(db.handle(), change.c_str(), nullptr, nullptr, nullptr) == SQLITE_BUSY &&
           std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    db.execute(change);
}

}  // namespace

void Workload::create() {
    Database db(options_.path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    sqlite3_busy_timeout(db.handle(), options_.busyTimeoutMs);
    db.execute("PRAGMA page_size = " + std::to_string(options_.pageSize));
    db.execute("PRAGMA auto_vacuum = " + std::to_string(options_.autoVacuum));
    enterJournalMode(db, options_.journalMode, options_.busyTimeoutMs);
    db.execute("PRAGMA synchronous = " + options_.synchronous);
    db.execute("PRAGMA wal_autocheckpoint = " + std::to_string(options_.autocheckpoint));
    const Settings& s = options_.settings;
    db.execute("BEGIN IMMEDIATE");
    if (db.integer("SELECT count(*) FROM sqlite_master WHERE name = 'chain'") == 0) {
        // The chain's row never changes its size, so that its page stays where it is.
        db.execute("CREATE TABLE chain(id INTEGER PRIMARY KEY, n INTEGER, h INTEGER, seed INTEGER, mark BLOB);"
                   "CREATE TABLE epochs(first INTEGER PRIMARY KEY, rows INTEGER, bytes INTEGER, random INTEGER, chaos INTEGER);"
                   "CREATE TABLE rows(id INTEGER PRIMARY KEY, n INTEGER, i INTEGER, body BLOB);"
                   "CREATE INDEX rows_n ON rows(n, i);"
                   "CREATE TABLE scratch(x);"
                   "INSERT INTO chain VALUES(1, 0, 0, " + std::to_string(options_.seed) + ", x'00');");
    }
    Statement epoch(db.handle(), "INSERT INTO epochs SELECT c.n + 1, ?1, ?2, ?3, ?4 FROM chain c WHERE NOT EXISTS("
                                 "SELECT 1 FROM (SELECT * FROM epochs ORDER BY first DESC LIMIT 1) e "
                                 "WHERE e.rows = ?1 AND e.bytes = ?2 AND e.random = ?3 AND e.chaos = ?4) "
                                 "ON CONFLICT(first) DO UPDATE SET rows = ?1, bytes = ?2, random = ?3, chaos = ?4");
    epoch.bind(1, static_cast<std::int64_t>(s.rows)).bind(2, static_cast<std::int64_t>(s.rowBytes));
    epoch.bind(3, static_cast<std::int64_t>(s.randomPercent)).bind(4, s.chaos ? 1 : 0);
    epoch.run();
    db.execute("COMMIT");
}

void Workload::open() {
    statements_.reset();
    database_ = std::make_unique<Database>(options_.path, SQLITE_OPEN_READWRITE);
    sqlite3_busy_timeout(database_->handle(), options_.busyTimeoutMs);
    // The kinds of rollback journal are a matter of each connection. WAL stays what somebody may have made of it since.
    if (options_.journalMode != "WAL") database_->execute("PRAGMA journal_mode = " + options_.journalMode);
    database_->execute("PRAGMA synchronous = " + options_.synchronous);
    database_->execute("PRAGMA wal_autocheckpoint = " + std::to_string(options_.autocheckpoint));
    if (options_.settings.chaos) {
        database_->execute("PRAGMA cache_size = 20; PRAGMA cache_spill = 10");
    }
    statements_ = std::make_unique<Statements>(database_->handle());
}

std::uint64_t Workload::transact() {
    Statements& s = *statements_;
    s.begin.run();
    try {
        if (!s.read.step()) {
            throw SqliteError(SQLITE_CORRUPT, options_.path + ": the chain's row is missing");
        }
        const auto n = static_cast<std::uint64_t>(s.read.integer(0)) + 1;
        const auto h = static_cast<std::uint64_t>(s.read.integer(1));
        options_.seed = static_cast<std::uint64_t>(s.read.integer(2));
        s.read.reset();
        apply(n, h);
        s.commit.run();
        return n;
    } catch (...) {
        s.read.reset();
        if (sqlite3_get_autocommit(database_->handle()) == 0) {
            sqlite3_exec(database_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
        }
        throw;
    }
}

void Workload::apply(std::uint64_t n, std::uint64_t previousHash) {
    unsigned char mark[kMarkBytes + 8];
    std::memcpy(mark, kMark, kMarkBytes);
    for (std::size_t k = 0; k < 8; ++k) {
        mark[kMarkBytes + k] = static_cast<unsigned char>(n >> (56 - 8 * k));
    }
    Statements& s = *statements_;
    const auto h = static_cast<std::int64_t>(chainLink(previousHash, n, options_.seed));
    s.advance.bind(1, static_cast<std::int64_t>(n)).bind(2, h).bind(3, mark, sizeof mark).run();

    const Shape shape = shapeOf(options_.settings, options_.seed, n);
    if (shape.deleteTo > shape.deleteFrom) {
        s.erase.bind(1, static_cast<std::int64_t>(shape.deleteFrom)).bind(2, static_cast<std::int64_t>(shape.deleteTo)).run();
    }
    if (options_.settings.chaos && dice_.oneIn(8)) {
        scribble();
    }
    insertRows(n, shape.rows);
}

void Workload::insertRows(std::uint64_t n, std::uint64_t count) {
    Statement& insert = statements_->insert;
    for (std::uint64_t i = 0; i < count; ++i) {
        row_.resize(rowBytesOf(options_.settings, options_.seed, n, i));
        fillRow(row_, options_.settings, options_.seed, n, i);
        const std::int64_t key = options_.settings.chaos ? rowKey(options_.seed, n, i) : 0;
        insert.bind(1, key).bind(2, static_cast<std::int64_t>(n)).bind(3, static_cast<std::int64_t>(i)).bind(4, row_.data(), row_.size()).run();
        rowBytes_ += row_.size();
    }
}

/// Dirties many pages twice and leaves the rows as they were: frames are spilled and then written again in place.
/// Not with a savepoint: SQLite before 3.44 leaves wrong checksums in the WAL when it rolls back to one behind spilled frames, and a kill then
/// damages the database without anybody's help.
void Workload::scribble() {
    database_->execute("UPDATE rows SET n = -n WHERE id % 3 = 0;"
                       "INSERT INTO scratch SELECT zeroblob(700) FROM rows LIMIT 200;"
                       "UPDATE rows SET n = -n WHERE n < 0;"
                       "DELETE FROM scratch");
}

void Workload::abandonTransaction() {
    database_->execute("BEGIN IMMEDIATE; DELETE FROM rows WHERE id % 2 = 0; UPDATE chain SET n = n + 1000000;"
                       "CREATE TABLE never(x); INSERT INTO never SELECT body FROM rows LIMIT 200; ROLLBACK");
}

void Workload::changeSchema() {
    const std::string name = "extra_" + std::to_string(dice_.below(4));
    if (dice_.oneIn(2)) {
        database_->execute("CREATE TABLE IF NOT EXISTS " + name + "(a, b); INSERT INTO " + name +
                           " SELECT id, body FROM rows LIMIT 20; CREATE INDEX IF NOT EXISTS " + name + "_a ON " + name + "(a)");
    } else {
        database_->execute("DROP TABLE IF EXISTS " + name);
    }
}

void Workload::disturb() {
    try {
        switch (dice_.below(10)) {
            case 0: abandonTransaction(); break;
            case 1: changeSchema(); break;
            case 2: database_->execute("VACUUM"); break;
            case 3: database_->execute("PRAGMA incremental_vacuum(50)"); break;
            case 4: database_->execute("PRAGMA wal_checkpoint(PASSIVE)"); break;
            case 5: database_->execute("PRAGMA wal_checkpoint(FULL)"); break;
            case 6: database_->execute("PRAGMA wal_checkpoint(RESTART)"); break;
            case 7: database_->execute("PRAGMA wal_checkpoint(TRUNCATE)"); break;
            case 8: open(); break;
            case 9: database_->execute("PRAGMA auto_vacuum = " + std::to_string(dice_.below(3)) + "; VACUUM"); break;
        }
    } catch (const SqliteError& error) {
        if (sqlite3_get_autocommit(database_->handle()) == 0) {
            sqlite3_exec(database_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
        }
        if (!error.busy()) {
            throw;
        }
    }
}

std::int64_t Workload::databaseBytes() {
    return database_->integer("PRAGMA page_count") * database_->integer("PRAGMA page_size");
}

}  // namespace litestream::tools
