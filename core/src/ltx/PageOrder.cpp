#include "ltx/PageOrder.h"

#include <fmt/format.h>

namespace litestream::ltx {

std::string PageOrder::admit(PageNumber page, bool beyondCommit) {
    if (page == 0) return "page number is zero";
    if (page <= last_) return fmt::format("page {} follows page {}", page, last_);
    if (page == lockPage_) return fmt::format("page {} is SQLite's lock page", page);
    if (page > commit_) {
        if (!beyondCommit) return fmt::format("page {} lies beyond commit {}", page, commit_);
    } else {
        if (snapshot_ && page != successor()) return fmt::format("page {} of the snapshot is missing", successor());
        within_ = page;
    }
    last_ = page;
    return {};
}

std::string PageOrder::finish() const {
    if (snapshot_ && successor() <= commit_) return fmt::format("page {} of the snapshot is missing", successor());
    return {};
}

}  // namespace litestream::ltx
