#pragma once

#include <litestream/Source.h>
#include <litestream/Types.h>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace litestream::engine {

/// What we remember of one cut: the TXID, where the source stood behind it, and which file it became.
struct JournalRecord {
    Txid txid;
    Position position;
    std::uint64_t fileChecksum = 0;  ///< 0: no level-0 file of its own (the first snapshot)
    Timestamp timestamp;
    std::uint32_t commit = 0;
};

/// Append-only file with one record per cut, written before the file is on its way. A record alone proves nothing: it counts when the file it
/// names exists somewhere and the source proves the position. So no fsync is needed: a lost or stale record costs a reconcile, never correctness.
///
/// Not thread-safe: used by a database's strand. Keeps no descriptor open, and no records in memory.
class PositionJournal {
public:
    explicit PositionJournal(std::filesystem::path file) : file_(std::move(file)) {}

    struct Contents {
        std::uint64_t lineage = 0;           ///< 0 when there is no journal
        std::vector<JournalRecord> records;  ///< ascending by TXID, one per TXID; at least the last few hundred

        const JournalRecord* find(Txid txid) const noexcept;  ///< null when there is none
    };

    /// Reads what is there; a damaged record ends the journal.
    Contents load() const;
    /// Begins anew, durably: a lineage and records to keep.
    void reset(const Contents& contents);
    /// A record for the TXID of the last one takes its place.
    void append(const JournalRecord& record);
    /// fsync, for a clean shutdown.
    void flush() const;

private:
    std::filesystem::path file_;
    std::size_t appended_ = 0;  // since the file was last written whole
};

}  // namespace litestream::engine
