#pragma once

#include "WalIndex.h"
#include "WalPosition.h"
#include "WalReader.h"

#include <litestream/Source.h>

#include <cstdint>
#include <vector>

namespace litestream::sqlite {

/// Sees to it that a database never grows by pages that no frame brought: SQLite writes every page that becomes part of a
/// database in the very transaction that adds it, except the lock page. A page that is missing means that frames were.
class GrowthCheck {
public:
    GrowthCheck(std::uint32_t pages, std::uint32_t pageSize) : pages_(pages), lockPage_(lockPage(pageSize)) {}

    void page(PageNumber number) {
        if (number > pages_) added_.push_back(number);
    }

    /// At a commit frame. Throws WalDamage naming the first page that is missing.
    void commit(std::uint32_t pages);

private:
    std::uint32_t pages_;
    PageNumber lockPage_;
    std::vector<PageNumber> added_;  // by the running transaction; may hold duplicates
};

/// What one pass over the WAL brought.
struct CaptureRun {
    WalPosition position;  ///< after its last commit
    bool more = false;     ///< the budget ended before the log did
};

/// Hands the frames behind `from` to `sink`, up to the first commit at which `budgetBytes` are used up, at least one
/// transaction, at most to `header.mxFrame`. `from` is of the header's generation and not at its end.
///
/// Throws WalDamage if the WAL is not exactly what it must be, and what the sink throws. What the sink got is then worthless.
CaptureRun captureFrames(const WalReader& wal, const WalIndexHeader& header, const WalPosition& from,
                         std::uint64_t budgetBytes, PageSink& sink);

}  // namespace litestream::sqlite
