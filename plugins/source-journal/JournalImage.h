#pragma once

#include "JournalPosition.h"
#include "PageCopy.h"

#include <litestream/Source.h>

#include <memory>

namespace litestream::journal {

/// A copy of one committed state. It needs nothing of the database any more, so it is in nobody's way. The source may give
/// the same copy to several images; it changes it only when none of them is left.
class JournalImage final : public Image {
public:
    /// `copy` holds all pages of the state.
    JournalImage(std::shared_ptr<const PageCopy> copy, const JournalPosition& position)
        : copy_(std::move(copy)), position_(position) {}

    std::uint32_t pageSize() const noexcept override { return position_.pageSize; }
    std::uint32_t pageCount() const noexcept override { return position_.stamp.pages; }
    Position position() const noexcept override { return position_.encode(); }
    void read(PageNumber first, MutableBytes into) override { copy_->read(first, into); }

private:
    const std::shared_ptr<const PageCopy> copy_;
    const JournalPosition position_;
};

}  // namespace litestream::journal
