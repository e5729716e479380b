/// Is a database what a writer left behind after some committed transaction, and nothing else?
/// `oracle restored.db --log commits.bin --in-flight 1 --at-least 120` prints a JSON verdict; exit code 0 yes, 1 no, 2 it cannot tell.

#include "Chain.h"
#include "Database.h"

#include <fmt/format.h>
#include <getopt.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <vector>

namespace litestream::tools {
namespace {

constexpr char kUsage[] =
    R"(usage: oracle DB [options]
  --log FILE        the writer's commit log: n may not pass its newest entry by more than --in-flight
  --database D      which database of the log (0)
  --in-flight N     commits that may have happened without reaching the log, one per killed process (0)
  --at-least N      n that must be there (0)
  --exactly N       the only n that will do
  --live            the database is in use: read it through its WAL
)";

struct Options {
    std::string path;
    std::string log;
    std::uint32_t database = 0;
    std::uint64_t inFlight = 0;
    std::uint64_t atLeast = 0;
    std::optional<std::uint64_t> exactly;
    bool live = false;
};

struct Verdict {
    std::uint64_t n = 0;
    std::uint64_t rows = 0;
    std::string problem;
};

/// A problem of the database, as opposed to one of the oracle.
struct Wrong : std::runtime_error {
    using std::runtime_error::runtime_error;
};

std::uint64_t newestLogged(const Options& options) {
    std::ifstream file(options.log, std::ios::binary);
    if (!file) {
        throw std::runtime_error("cannot read " + options.log);
    }
    std::uint64_t newest = 0;
    for (CommitRecord record{}; file.read(reinterpret_cast<char*>(&record), sizeof record);) {
        if (record.database == options.database) {
            newest = std::max(newest, record.n);
        }
    }
    return newest;
}

/// Before the writer's first transaction, which makes all of its tables, a database is a prefix as well: the empty one.
bool hasBegun(Database& db) {
    Statement tables(db.handle(), "SELECT count(*) FROM sqlite_schema WHERE name IN ('chain', 'epochs', 'rows')");
    return tables.step() && tables.integer(0) != 0;
}

class Replay {
public:
    explicit Replay(Database& db) : db_(db), begun_(hasBegun(db)) {
        if (!begun_) {
            return;
        }
        Statement chain(db.handle(), "SELECT n, h, seed FROM chain WHERE id = 1");
        if (!chain.step()) {
            throw Wrong("the chain's row is missing");
        }
        n_ = static_cast<std::uint64_t>(chain.integer(0));
        hash_ = static_cast<std::uint64_t>(chain.integer(1));
        seed_ = static_cast<std::uint64_t>(chain.integer(2));
        Statement epochs(db.handle(), "SELECT first, rows, bytes, random, chaos FROM epochs");
        while (epochs.step()) {
            const auto value = [&](int column) { return static_cast<std::uint64_t>(epochs.integer(column)); };
            epochs_[value(0)] = {value(1), value(2), value(3), value(4) != 0};
        }
    }

    std::uint64_t n() const { return n_; }

    void checkChain() const {
        std::uint64_t hash = 0;
        for (std::uint64_t k = 1; k <= n_; ++k) {
            hash = chainLink(hash, k, seed_);
        }
        if (hash != hash_) {
            throw Wrong(fmt::format("the hash of transaction {} is {}, not {}", n_, hash_, hash));
        }
    }

    /// Every row that transactions 1..n left, byte for byte, and no other. Returns their number.
    std::uint64_t checkRows() const {
        if (!begun_) {
            return 0;
        }
        const std::vector<bool> alive = survivors();
        std::uint64_t rows = 0;
        std::uint64_t n = 0;  // the transaction whose rows are being read, and how many of them are still to come
        std::uint64_t next = 0;
        std::uint64_t expected = 0;
        std::vector<std::byte> body;
        Statement statement(db_.handle(), "SELECT n, i, body FROM rows ORDER BY n, i");
        const auto skipTo = [&](std::uint64_t target) {
            if (next != expected) {
                throw Wrong(fmt::format("transaction {} has {} of its {} rows", n, next, expected));
            }
            while (++n < target) {
                if (alive[n]) {
                    throw Wrong(fmt::format("transaction {} of {} is missing", n, n_));
                }
            }
            next = 0;
            expected = target <= n_ ? shapeOf(settingsAt(target), seed_, target).rows : 0;
        };
        while (statement.step()) {
            const auto rowN = static_cast<std::uint64_t>(statement.integer(0));
            const auto rowI = static_cast<std::uint64_t>(statement.integer(1));
            if (rowN == 0 || rowN > n_ || !alive[rowN]) {
                throw Wrong(fmt::format("row {} of transaction {} must not be there (n = {})", rowI, rowN, n_));
            }
            if (rowN != n) {
                skipTo(rowN);
            }
            if (rowI != next++) {
                throw Wrong(fmt::format("transaction {}: row {} where row {} belongs", rowN, rowI, next - 1));
            }
            checkBody(statement, rowN, rowI, body);
            ++rows;
        }
        skipTo(n_ + 1);
        return rows;
    }

private:
    const Settings& settingsAt(std::uint64_t n) const {
        const auto after = epochs_.upper_bound(n);
        if (after == epochs_.begin()) {
            throw Wrong(fmt::format("no epoch covers transaction {}", n));
        }
        return std::prev(after)->second;
    }

    std::vector<bool> survivors() const {
        std::vector<bool> alive(n_ + 1, false);
        for (std::uint64_t k = 1; k <= n_; ++k) {
            const Shape shape = shapeOf(settingsAt(k), seed_, k);
            for (std::uint64_t dead = shape.deleteFrom; dead < shape.deleteTo; ++dead) {
                alive[dead] = false;
            }
            alive[k] = true;
        }
        return alive;
    }

    void checkBody(Statement& row, std::uint64_t n, std::uint64_t i, std::vector<std::byte>& body) const {
        const Settings& settings = settingsAt(n);
        body.resize(rowBytesOf(settings, seed_, n, i));
        fillRow(body, settings, seed_, n, i);
        const void* bytes = row.blob(2);
        if (row.size(2) != body.size() || std::memcmp(bytes, body.data(), body.size()) != 0) {
            throw Wrong(fmt::format("transaction {}: row {} has other content", n, i));
        }
    }

    Database& db_;
    bool begun_;
    std::uint64_t n_ = 0;
    std::uint64_t hash_ = 0;
    std::uint64_t seed_ = 0;
    std::map<std::uint64_t, Settings> epochs_;  ///< by the first n they hold for
};

void checkIntegrity(Database& db) {
    Statement check(db.handle(), "PRAGMA integrity_check(1)");
    check.step();
    if (const std::string answer = check.text(0); answer != "ok") {
        throw Wrong("integrity_check: " + answer);
    }
}

void checkBounds(const Options& options, std::uint64_t n) {
    if (n < options.atLeast) {
        throw Wrong(fmt::format("n is {}, at least {} was committed in time", n, options.atLeast));
    }
    if (options.exactly && n != *options.exactly) {
        throw Wrong(fmt::format("n is {}, not {}", n, *options.exactly));
    }
    if (!options.log.empty()) {
        if (const std::uint64_t newest = newestLogged(options); n > newest + options.inFlight) {
            throw Wrong(fmt::format("n is {}, but only {} was ever committed", n, newest));
        }
    }
}

Verdict judge(const Options& options) {
    Verdict verdict;
    // A restored file has no company: read it as it lies there, without making a WAL beside it.
    Database db(options.live ? options.path : "file:" + options.path + "?immutable=1",
                options.live ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
    try {
        if (options.live) {
            db.execute("BEGIN");
        }
        checkIntegrity(db);
        const Replay replay(db);
        verdict.n = replay.n();
        replay.checkChain();
        verdict.rows = replay.checkRows();
        checkBounds(options, verdict.n);
    } catch (const Wrong& wrong) {
        verdict.problem = wrong.what();
    } catch (const SqliteError& error) {
        verdict.problem = error.what();
    }
    return verdict;
}

bool parse(int argc, char** argv, Options& o) {
    enum { Log = 1, WhichDatabase, InFlight, AtLeast, Exactly, Live };
    static const option kOptions[] = {{"log", 1, nullptr, Log}, {"database", 1, nullptr, WhichDatabase},
                                      {"in-flight", 1, nullptr, InFlight}, {"at-least", 1, nullptr, AtLeast},
                                      {"exactly", 1, nullptr, Exactly}, {"live", 0, nullptr, Live}, {nullptr, 0, nullptr, 0}};
    const auto number = [] { return std::strtoull(optarg, nullptr, 10); };
    for (int c = 0; (c = ::getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
        switch (c) {
            case Log: o.log = optarg; break;
            case WhichDatabase: o.database = static_cast<std::uint32_t>(number()); break;
            case InFlight: o.inFlight = number(); break;
            case AtLeast: o.atLeast = number(); break;
            case Exactly: o.exactly = number(); break;
            case Live: o.live = true; break;
            default: return false;
        }
    }
    if (optind + 1 != argc) {
        return false;
    }
    o.path = argv[optind];
    return true;
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
    return out + '"';
}

int run(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        std::fputs(kUsage, stderr);
        return 2;
    }
    try {
        const Verdict verdict = judge(options);
        fmt::print(R"({{"ok": {}, "n": {}, "rows": {}, "problem": {}}})" "\n", verdict.problem.empty(), verdict.n, verdict.rows,
                   quoted(verdict.problem));
        return verdict.problem.empty() ? 0 : 1;
    } catch (const std::exception& error) {
        fmt::print(stderr, "oracle: {}\n", error.what());
        return 2;
    }
}

}  // namespace
}  // namespace litestream::tools

int main(int argc, char** argv) { return litestream::tools::run(argc, argv); }
