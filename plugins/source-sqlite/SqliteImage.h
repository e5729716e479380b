#pragma once

#include "LockConnection.h"
#include "WalPosition.h"

#include <litestream/Source.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace litestream::sqlite {

/// The lock that keeps an image as it is. The source can take it away when the log grows too large under it.
///
/// Threads: all members may be called from any thread.
class ImagePin {
public:
    /// `connection` is shared because an image may live longer than the attachment that it came from.
    ImagePin(std::shared_ptr<LockConnection> connection, HeldLock lock)
        : connection_(std::move(connection)), lock_(std::move(lock)) {}

    LockConnection& connection() const noexcept { return *connection_; }

    void revoke() noexcept;
    bool revoked() const noexcept { return revoked_; }

private:
    std::shared_ptr<LockConnection> connection_;
    std::mutex mutex_;  // guards lock_
    HeldLock lock_;
    std::atomic<bool> revoked_{false};
};

/// The state of a database at one position: the frames between what is in the database file and the position, and the file for
/// everything else.
class SqliteImage final : public Image {
public:
    /// `backfilled` = frames that are in the database file for certain; `position.frame` if it needs no WAL at all.
    SqliteImage(std::shared_ptr<ImagePin> pin, const WalPosition& position, std::uint32_t backfilled)
        : pin_(std::move(pin)), position_(position), backfilled_(backfilled) {}

    std::uint32_t pageSize() const noexcept override { return position_.pageSize; }
    std::uint32_t pageCount() const noexcept override { return position_.commit; }
    Position position() const noexcept override { return position_.encode(); }
    void read(PageNumber first, MutableBytes into) override;

private:
    void readPages(PageNumber first, std::uint32_t count, MutableBytes into);
    void mapFrames();
    std::uint32_t frameOf(PageNumber page) const noexcept;
    std::uint32_t databaseRun(PageNumber first, std::uint32_t count) const noexcept;
    void readFrame(PageNumber page, std::uint32_t frame, MutableBytes into) const;
    void readDatabase(PageNumber first, MutableBytes into) const;
    void requirePin() const;
    std::string name() const;

    std::shared_ptr<ImagePin> pin_;  // shared with its source, which may revoke it
    WalPosition position_;
    std::uint32_t backfilled_;
    bool mapped_ = false;
    std::vector<std::uint64_t> newest_;  // (page << 32 | frame), ascending, one for each page
};

}  // namespace litestream::sqlite
