#pragma once

#include "JournalPosition.h"
#include "PageCopy.h"

#include <litestream/Source.h>

#include <memory>

namespace litestream::journal {

/// A copy of one committed state. It needs nothing of the database any more, so it is in nobody's way.
class JournalImage final : public Image {
public:
    /// `copy` holds all pages of the state.
    JournalImage(std::unique_ptr<PageCopy> copy, const JournalPosition& position)
        : copy_(std::move(copy)), position_(position) {
        copy_->resize(position_.stamp.pages);
    }

    std::uint32_t pageSize() const noexcept override { return position_.pageSize; }
    std::uint32_t pageCount() const noexcept override { return position_.stamp.pages; }
    Position position() const noexcept override { return position_.encode(); }
    void read(PageNumber first, MutableBytes into) override { copy_->read(first, into); }

private:
    const std::unique_ptr<PageCopy> copy_;
    const JournalPosition position_;
};

}  // namespace litestream::journal
