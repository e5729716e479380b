#pragma once

#include "levels/Audit.h"
#include "levels/InventoryFile.h"

#include <functional>
#include <set>
#include <vector>

namespace litestream::levels {

/// The inventory of one replica, and what is written down of it: every change goes through here, into both. A file that cannot be written is given up, and begun
/// anew with the next change: what it does not know of must not be believed later.
///
/// Not thread-safe; belongs to the database's strand.
class Ledger {
public:
    struct Clocks {
        std::function<Clock::time_point()> now;
        std::function<Timestamp()> wall;
    };
    Ledger(const std::filesystem::path& file, Clocks clocks) : file_(file), clocks_(std::move(clocks)) {}

    /// Begins with what was written down, and returns where the listing that was made just now tells otherwise. Where nothing was, the listing is what
    /// there is. What was removed, or may have been removed, by us is no finding.
    std::vector<Finding> open(std::span<const replica::FileInfo> listing, bool timestampsAreContent, Timestamp wallNow);
    /// Begins with the listing alone.
    void begin(std::span<const replica::FileInfo> listing, bool timestampsAreContent, Timestamp wallNow);

    const Inventory& inventory() const noexcept { return inventory_; }
    void add(const HeldFile& file);
    void remove(const replica::FileId& file);
    void verified(const replica::FileId& file);
    void expect(Txid txid, std::optional<std::uint64_t> digest);
    /// No digest that is known is believed any more, nor what was proven by it.
    void forgetDigests();
    /// The file checksum of a file became known.
    void know(const replica::FileId& file, std::uint64_t fileChecksum);
    void prove(const Proven& proven);
    /// Before a request that deletes them.
    void leaving(std::span<const replica::FileId> files);
    /// Before a job makes the file.
    void begun(const replica::FileId& file);
    /// Whether a job was to make a file that we know nothing else of.
    bool wasBegun(const replica::FileId& file) const { return begun_.contains(file); }
    /// Takes what a listing tells as the time of files that agree with it.
    void seen(std::span<const replica::FileInfo> listing);
    /// In order, and complete over a loss of power.
    void close();

private:
    template <class Change>
    void record(Change change);
    void rewrite();
    bool take(std::span<const replica::FileInfo> listing);
    void giveUp(const Error& error);
    InventoryFile::Contents contents() const;
    RecordedFile recorded(const HeldFile& file) const;
    void startOver(std::span<const replica::FileInfo> listing, bool timestampsAreContent, Timestamp wallNow);
    void merge(const InventoryFile::Contents& known, std::span<const replica::FileInfo> listing, bool timestampsAreContent, Timestamp wallNow);

    InventoryFile file_;
    const Clocks clocks_;
    Inventory inventory_;
    std::set<replica::FileId> leaving_;
    std::set<replica::FileId> begun_;
    bool lost_ = true;      // the file does not say what we know
    bool failing_ = false;  // and a log line says so
};

/// What was written down of a replica, with ages as of now; for those who do not change it.
Inventory inventoryOf(const InventoryFile::Contents& contents, Timestamp wallNow, Clock::time_point now);

}  // namespace litestream::levels
