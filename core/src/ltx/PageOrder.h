#pragma once

#include "ltx/Format.h"

#include <string>

namespace litestream::ltx {

/// The format's rules about which pages may stand in a file and in which order. Writer, reader and merge ask the same object;
/// each one turns a broken rule into its own kind of error.
class PageOrder {
public:
    explicit PageOrder(const Header& header) noexcept
        : commit_(header.commit), lockPage_(lockPage(header.pageSize)), snapshot_(header.isSnapshot()) {}

    /// The rule that `page` breaks as the next page, or nothing: then it counts as taken.
    /// With `beyondCommit` allowed, such pages pass, as they do in upstream's reader.
    std::string admit(PageNumber page, bool beyondCommit = false);

    /// The rule that is broken when the file ends here, or nothing.
    std::string finish() const;

private:
    /// The page that a snapshot has to go on with. 64 bits: it may be 2^32.
    std::uint64_t successor() const noexcept {
        const std::uint64_t next = std::uint64_t{within_} + 1;
        return next == lockPage_ ? next + 1 : next;
    }

    std::uint32_t commit_;
    PageNumber lockPage_;
    bool snapshot_;
    PageNumber last_ = 0;
    PageNumber within_ = 0;  ///< the last page that is not beyond commit
};

}  // namespace litestream::ltx
