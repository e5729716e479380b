#include "SqliteSource.h"

#include <litestream/Error.h>

#include <algorithm>
#include <array>
#include <thread>

namespace litestream::sqlite {
namespace {

using std::chrono::milliseconds;

/// How long attach() may try for a guard and a readable header. Nothing is held meanwhile.
constexpr auto kAttachPatience = milliseconds(5);
constexpr auto kFirstRetry = milliseconds(250);
constexpr auto kLastRetry = milliseconds(5000);

/// The fields of a database header that tell its size.
/// Source: https://sqlite.org/fileformat2.html, "The Database Header".
struct DatabaseHeader {
    std::uint32_t pageSize;
    std::uint32_t pages;  ///< 0 = not known
};

DatabaseHeader readDatabaseHeader(const LockConnection& connection) {
    std::array<std::byte, 100> bytes{};
    if (!connection.readDatabase(0, bytes)) throw Refusal("file is too small to be a database");
    const std::uint32_t stored = bigEndian32(bytes.data() + 14) & 0xffff;
    const std::uint32_t pageSize = stored == 1 ? 65536 : stored;
    if (!isPageSize(pageSize)) throw Refusal("its header names the page size " + std::to_string(pageSize));
    // Writers that do not know the page count leave another change counter beside it.
    const bool valid = bigEndian32(bytes.data() + 24) == bigEndian32(bytes.data() + 92);
    return {pageSize, valid ? bigEndian32(bytes.data() + 28) : 0};
}

}  // namespace

Attachment SqliteSource::attach(const Position* last) {
    detach();
    try {
        Attachment result = attachNow(last);
        refusals_ = 0;
        return result;
    } catch (const Refusal& refusal) {
        return refused(refusal.what());
    } catch (const WalDamage& damage) {
        return refused(damage.what());
    } catch (const Error& error) {
        return refused(error.what());
    }
}

Attachment SqliteSource::attachNow(const Position* last) {
    connection_ = std::make_shared<LockConnection>(context_.database, settings_.journalModeWal);
    if (auto warning = filesystemWarning(context_.database); warning != warnedFilesystem_) {
        warnedFilesystem_ = warning;
        host_.log(LogLevel::Warning, context_.database.string() + " " + warning);
    }
    guard_.emplace(*connection_);
    checkpointer_.emplace(context_.database);
    plan_.emplace(settings_);
    logCanBeRecycled();
    released_ = true;

    // The guard first: what the header says then cannot go away.
    const WalIndexHeader header = guardedHeader();
    readPageSize(header);
    position_.file = connection_->file();
    position_.commit = databasePages(header);

    std::string doubt = "first contact";
    const auto recorded = last != nullptr ? WalPosition::decode(*last) : std::nullopt;
    if (last != nullptr) doubt = recorded ? refuteProof(*recorded, header) : "the recorded position cannot be read";

    Attachment result;
    result.pageSize = position_.pageSize;
    result.commit = position_.commit;
    if (doubt.empty()) {
        position_ = *recorded;
        result.outcome = Attachment::Outcome::Proved;
    } else {
        result.outcome = Attachment::Outcome::Lost;
        result.reason = doubt;
        lose(doubt);
    }
    publish();
    watcher_->follow(watch_, *connection_);
    return result;
}

WalIndexHeader SqliteSource::guardedHeader() {
    const auto deadline = SteadyClock::now() + kAttachPatience;
    for (;;) {
        if (guard_->hold() != Guard::Hold::None || guard_->takeReset()) {
            if (auto header = connection_->index().header()) return *header;
        }
        if (SteadyClock::now() >= deadline) break;
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    throw Refusal(guard_->hold() == Guard::Hold::None ? "all reader locks of the WAL are being taken by others"
                                                      : "the wal-index is being changed, or its last writer died");
}

void SqliteSource::readPageSize(const WalIndexHeader& header) {
    position_ = {};
    position_.pageSize = header.mxFrame > 0 ? header.szPage : readDatabaseHeader(*connection_).pageSize;
    if (!isPageSize(position_.pageSize))
        throw Refusal("the wal-index names the page size " + std::to_string(position_.pageSize));
}

/// While the WAL is empty the index may be stale or zero; the database file knows.
std::uint32_t SqliteSource::databasePages(const WalIndexHeader& header) const {
    if (header.mxFrame > 0) return header.nPage;
    const DatabaseHeader stored = readDatabaseHeader(*connection_);
    if (stored.pages > 0) return stored.pages;
    return static_cast<std::uint32_t>(connection_->databaseBytes() / stored.pageSize);
}

/// Nothing was missed since `last` if its generation still runs and its frame is still there: the stored checksum of that frame
/// covers the generation from its beginning. Any reset since, however the salts look, is a doubt. Returns the doubt.
std::string SqliteSource::refuteProof(const WalPosition& last, const WalIndexHeader& header) const {
    if (last.file != connection_->file()) return "the database is another file than the one that was followed";
    if (last.pageSize != position_.pageSize) return "the page size has changed";
    if (last.frame == 0) return "the recorded position is the beginning of a WAL, which proves nothing";
    if (header.aSalt != last.salts) return "the WAL was reset while the database was not followed";
    if (last.frame > header.mxFrame) return "the WAL is shorter than it was";
    const auto wal = connection_->wal().header();
    if (!wal || wal->salts != last.salts) return "the WAL's header does not belong to the recorded position";
    const auto frame = connection_->wal().frameHeader(last.frame, last.pageSize);
    if (!frame || frame->salts != last.salts || frame->checksum != last.checksum || frame->commit != last.commit ||
        frame->commit == 0) {
        return "the WAL has other content at the recorded position";
    }
    return {};
}

/// Closes everything and asks the watcher to say when another attempt is worth it.
Attachment SqliteSource::refused(const std::string& reason) {
    detach();
    detachedReason_ = reason;
    std::error_code ignored;
    const bool missing = !identityOf(context_.database) || std::filesystem::is_empty(context_.database, ignored);
    const auto delay = std::min(kFirstRetry * (1u << std::min(refusals_, 5u)), kLastRetry);
    ++refusals_;
    watcher_->await(watch_, context_.database, missing, delay);
    Attachment result;
    result.reason = reason;
    return result;
}

}  // namespace litestream::sqlite
