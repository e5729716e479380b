/// source-sqlite follows live SQLite databases in WAL mode. It never writes to them and never makes a writer wait: commits
/// are read from the -wal file up to where the wal-index says they are published, and two of SQLite's own reader locks, held in turn, keep
/// the WAL from being recycled before it was read (docs/lock-protocol.md). SqliteSource is the source; Guard holds the locks;
/// CaptureRun reads and checks frames; Watcher notices commits; Housekeeping.cpp helps when the application does not checkpoint.

#include "Connection.h"
#include "IndexLoss.h"
#include "SqliteSource.h"

#include "../sqlite/SharedWatcher.h"

#include <litestream/Plugin.h>

#include <iterator>
#include <limits>
#include <memory>

namespace litestream::sqlite {
namespace {

constexpr OptionSpec kOptions[] = {
    {"min-checkpoint-page-count", OptionType::Integer, "1000",
     "pages in the WAL from which a stalled checkpoint is helped", false},
    {"checkpoint-interval", OptionType::Duration, "1m", "longest time that committed pages stay only in the WAL",
     false},
    {"wal-limit-soft", OptionType::Size, "16MiB",
     "size of the WAL above which writers may be held off for an instant to recycle it", false},
    {"wal-limit-hard", OptionType::Size, "1GiB",
     "size of the WAL above which the replica is re-synchronised instead of following it", false},
    {"barrier", OptionType::Boolean, "true", "whether writers may be held off at all", false},
    {"slow-poll", OptionType::Duration, "250ms",
     "how often all databases are looked at; the first database's value counts for all", false},
    {"journal-mode-wal", OptionType::Boolean, "true", "switch a database in rollback mode to WAL", false},
};

std::uint32_t pageCount(const OptionValues& options, std::string_view name) {
    const std::int64_t value = options.integer(name);
    if (value < 1 || value > std::numeric_limits<std::uint32_t>::max()) {
        throw Error(ErrorCode::InvalidArgument,
                    std::string(name) + ": " + std::to_string(value) + " is not a number of pages");
    }
    return static_cast<std::uint32_t>(value);
}

std::chrono::nanoseconds positive(const OptionValues& options, std::string_view name) {
    const auto value = options.duration(name);
    if (value <= std::chrono::nanoseconds::zero()) {
        throw Error(ErrorCode::InvalidArgument, std::string(name) + ": must be longer than zero");
    }
    return value;
}

SourceSettings readSettings(const OptionValues& options) {
    SourceSettings settings;
    settings.minCheckpointPageCount = pageCount(options, "min-checkpoint-page-count");
    settings.checkpointInterval = positive(options, "checkpoint-interval");
    settings.walLimitSoft = options.bytes("wal-limit-soft");
    settings.walLimitHard = options.bytes("wal-limit-hard");
    settings.barrier = options.boolean("barrier");
    settings.journalModeWal = options.boolean("journal-mode-wal");
    if (settings.walLimitHard <= settings.walLimitSoft) {
        throw Error(ErrorCode::InvalidArgument, "wal-limit-hard: must be larger than wal-limit-soft");
    }
    return settings;
}

class SqlitePlugin final : public SourcePlugin {
public:
    explicit SqlitePlugin(Host& host) : host_(host) { initialiseLibrary(); }

    std::unique_ptr<Source> open(SourceContext context, const OptionValues& options) override {
        const SourceSettings settings = readSettings(options);
        return std::make_unique<SqliteSource>(host_, std::move(context), settings,
                                              watcher_.get(positive(options, "slow-poll")));
    }

private:
    Host& host_;
    const IndexLossHandler lossHandler_;
    SharedWatcher<Watcher> watcher_;
};

}  // namespace
}  // namespace litestream::sqlite

LITESTREAM_DECLARE_SOURCE("sqlite", "1.0.0", "follows a live SQLite database in WAL mode", litestream::sqlite::kOptions,
                          std::size(litestream::sqlite::kOptions), litestream::sqlite::SqlitePlugin)
