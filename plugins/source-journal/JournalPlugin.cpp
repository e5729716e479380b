/// source-journal follows live SQLite databases in rollback-journal mode, as they are: it never switches them to WAL and never writes to
/// them. A commit moves the change counter in the file's header; then all pages are read under SQLite's SHARED lock, in slices that
/// keep no writer waiting, and those whose checksums differ from the last captured state are its changes (docs/journal-source.md).
/// JournalSource is the source; PagePass reads and compares; DatabaseFile is the database; Watcher notices commits; PageCopy
/// holds images.

#include "JournalSource.h"

#include "../sqlite/SharedWatcher.h"

#include <litestream/Plugin.h>

#include <iterator>
#include <memory>

namespace litestream::journal {
namespace {

constexpr OptionSpec kOptions[] = {
    {"hold-limit", OptionType::Duration, "250ms",
     "longest time that writers may be kept waiting, when they leave no pause in which the database can be read", false},
    {"scan-share", OptionType::Integer, "10", "percent of the time that may be spent on reading the database", false},
    {"image-directory", OptionType::Path, "",
     "where images are kept, as large as the database; the database's own directory if not given", false},
    {"slow-poll", OptionType::Duration, "250ms",
     "how often all databases are looked at; the first database's value counts for all", false},
};

std::chrono::nanoseconds positive(const OptionValues& options, std::string_view name) {
    const auto value = options.duration(name);
    if (value <= std::chrono::nanoseconds::zero()) {
        throw Error(ErrorCode::InvalidArgument, std::string(name) + ": must be longer than zero");
    }
    return value;
}

SourceSettings readSettings(const OptionValues& options) {
    SourceSettings settings;
    settings.holdLimit = positive(options, "hold-limit");
    const std::int64_t share = options.integer("scan-share");
    if (share < 1 || share > 100) {
        throw Error(ErrorCode::InvalidArgument, "scan-share: must be from 1 to 100 percent");
    }
    settings.scanShare = static_cast<int>(share);
    settings.imageDirectory = options.textOr("image-directory", "");
    return settings;
}

class JournalPlugin final : public SourcePlugin {
public:
    explicit JournalPlugin(Host& host) : host_(host) {}

    std::unique_ptr<Source> open(SourceContext context, const OptionValues& options) override {
        return std::make_unique<JournalSource>(host_, std::move(context), readSettings(options),
                                               watcher_.get(positive(options, "slow-poll")));
    }

private:
    Host& host_;
    sqlite::SharedWatcher<Watcher> watcher_;
};

}  // namespace
}  // namespace litestream::journal

LITESTREAM_DECLARE_SOURCE("journal", "1.0.0", "follows a live SQLite database in rollback-journal mode",
                          litestream::journal::kOptions, std::size(litestream::journal::kOptions),
                          litestream::journal::JournalPlugin)
