#pragma once

#include "levels/Inventory.h"

#include <filesystem>
#include <map>
#include <set>
#include <span>

namespace litestream::levels {

/// A held file as it is written down: its ages by the wall clock.
struct RecordedFile {
    replica::FileInfo info;
    Timestamp content;
    Timestamp stored;
    Timestamp seen;  ///< what a listing tells as its time; 0 = not known
    bool verified = false;
    bool leaving = false;  ///< a request that deletes it has been made, or was about to be
    Evidence evidence{};
};

/// What we know of one replica over restarts: an append-only file of fixed records with checksums, written as things happen with one write() each, without
/// fsync. It is knowledge and no data: losing it costs nothing but knowledge.
///
/// Not thread-safe: used by a database's strand. Keeps no descriptor open. Writing throws Error.
class InventoryFile {
public:
    /// An empty path: nothing is written and nothing is ever found.
    explicit InventoryFile(std::filesystem::path file) : file_(std::move(file)) {}

    struct Contents {
        bool exists = false;
        /// Every change is in it: it was written in this boot of the machine, or closed. Otherwise its end may be missing.
        bool complete = false;
        std::map<replica::FileId, RecordedFile> files;
        std::set<replica::FileId> begun;  ///< files that a job was to make; whether they came to the replica is not known
        Proven proven{};
    };

    /// Reads what is there; a damaged record ends the file.
    Contents load() const;
    /// Begins anew with `contents`, whole.
    void reset(const Contents& contents);

    void held(const RecordedFile& file);
    void gone(const replica::FileId& file);
    void leaving(std::span<const replica::FileId> files);
    void begun(const replica::FileId& file);
    /// Of every held file that ends at the TXID.
    void expect(Txid txid, std::optional<std::uint64_t> digest);
    void proven(const Proven& proven);
    /// Durable, and complete in the next boot, too.
    void close();
    /// Forgets it: what is not written down any more must not be believed.
    void remove() noexcept;

    /// Records since the file was last written whole.
    std::size_t appended() const noexcept { return appended_; }
    bool enabled() const noexcept { return !file_.empty(); }

private:
    struct Record;
    static Record recordOf(const RecordedFile& file);
    static void apply(const Record& record, Contents& contents);
    void append(std::span<const Record> records);

    std::filesystem::path file_;
    std::size_t appended_ = 0;
};

/// The name of a replica's file, of what its transport says of its place: another place is another file.
std::string inventoryFileName(std::string_view transport, const std::vector<std::pair<std::string, std::string>>& place);
/// True for a name that inventoryFileName() gives, and for a temporary file beside it.
bool isInventoryFileName(std::string_view name);

}  // namespace litestream::levels
