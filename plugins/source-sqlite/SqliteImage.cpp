#include "SqliteImage.h"

#include <litestream/Error.h>

#include <algorithm>
#include <cstring>

namespace litestream::sqlite {

void ImagePin::revoke() noexcept {
    const std::lock_guard lock(mutex_);
    revoked_ = true;  // before the lock is gone: who still reads "not revoked" after a read was pinned during it
    lock_.release();
}

std::string SqliteImage::name() const {
    return "image of " + pin_->connection().path().string();
}

void SqliteImage::requirePin() const {
    if (pin_->revoked()) {
        throw Error(ErrorCode::Transient, name() + ": given up because the WAL grew beyond wal-limit-hard meanwhile");
    }
}

/// Not before the first read: attaching to a large log must not take long.
void SqliteImage::mapFrames() {
    if (mapped_) return;
    const WalReader& wal = pin_->connection().wal();
    newest_.reserve(position_.frame - backfilled_);
    for (std::uint32_t frame = backfilled_ + 1; frame <= position_.frame; ++frame) {
        const auto header = wal.frameHeader(frame, position_.pageSize);
        const bool last = frame == position_.frame;
        if (!header || header->salts != position_.salts || (last && header->checksum != position_.checksum)) {
            requirePin();
            throw Error(ErrorCode::Corrupt,
                        name() + ": frame " + std::to_string(frame) + " of the WAL is not the one that was captured");
        }
        newest_.push_back((std::uint64_t{header->page} << 32) | frame);
    }
    std::sort(newest_.begin(), newest_.end());
    // Of each page the last entry stays.
    const auto samePage = [](std::uint64_t a, std::uint64_t b) { return a >> 32 == b >> 32; };
    newest_.erase(newest_.begin(), std::unique(newest_.rbegin(), newest_.rend(), samePage).base());
    newest_.shrink_to_fit();
    mapped_ = true;
}

std::uint32_t SqliteImage::frameOf(PageNumber page) const noexcept {
    const auto found = std::lower_bound(newest_.begin(), newest_.end(), std::uint64_t{page} << 32);
    return found != newest_.end() && *found >> 32 == page ? static_cast<std::uint32_t>(*found) : 0;
}

/// How many pages from `first` on, at most `count`, come from the database file in one piece.
std::uint32_t SqliteImage::databaseRun(PageNumber first, std::uint32_t count) const noexcept {
    const auto next = std::lower_bound(newest_.begin(), newest_.end(), std::uint64_t{first} << 32);
    if (next != newest_.end()) count = std::min(count, static_cast<std::uint32_t>(*next >> 32) - first);
    const PageNumber lock = lockPage(position_.pageSize);
    if (lock >= first && lock - first < count) count = lock - first;
    return count;
}

void SqliteImage::read(PageNumber first, MutableBytes into) {
    const std::size_t size = position_.pageSize;
    const auto count = static_cast<std::uint32_t>(into.size() / size);
    if (first == 0 || into.size() % size != 0 || std::uint64_t{first} + count > std::uint64_t{position_.commit} + 1) {
        throw Error(ErrorCode::InvalidArgument, name() + ": no such pages");
    }
    try {
        readPages(first, count, into);
    } catch (const WalDamage& damage) {
        throw Error(ErrorCode::Transient, name() + ": " + damage.what());
    }
    // Only now: what was read is good if the pin was held until after it was read.
    requirePin();
}

void SqliteImage::readPages(PageNumber first, std::uint32_t count, MutableBytes into) {
    const std::size_t size = position_.pageSize;
    mapFrames();
    while (count > 0) {
        std::uint32_t pages = 1;
        if (first == lockPage(position_.pageSize)) {
            std::memset(into.data(), 0, size);
        } else if (const std::uint32_t frame = frameOf(first)) {
            readFrame(first, frame, into.first(size));
        } else {
            pages = databaseRun(first, count);
            readDatabase(first, into.first(pages * size));
        }
        into = into.subspan(pages * size);
        first += pages;
        count -= pages;
    }
}

void SqliteImage::readFrame(PageNumber page, std::uint32_t frame, MutableBytes into) const {
    if (pin_->connection().wal().page(frame, into)) return;
    throw Error(ErrorCode::Corrupt,
                name() + ": the WAL ends before frame " + std::to_string(frame) + " with page " + std::to_string(page));
}

void SqliteImage::readDatabase(PageNumber first, MutableBytes into) const {
    constexpr std::size_t kLargestRead = 1 << 20;
    std::uint64_t offset = (std::uint64_t{first} - 1) * position_.pageSize;
    while (!into.empty()) {
        const std::size_t bytes = std::min(into.size(), kLargestRead);
        if (!pin_->connection().readDatabase(offset, into.first(bytes))) {
            requirePin();
            throw Error(ErrorCode::Corrupt, name() + ": the database file is shorter than its " +
                                                std::to_string(position_.commit) + " pages");
        }
        into = into.subspan(bytes);
        offset += bytes;
    }
}

}  // namespace litestream::sqlite
