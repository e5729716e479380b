#pragma once

#include <litestream/Types.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace litestream {

/// Where a source stands in the history of its database. Its bytes mean something to the source alone; core keeps them with the
/// TXID they belong to and hands them back after a restart.
struct Position {
    static constexpr std::size_t kMaxBytes = 64;

    std::array<std::byte, kMaxBytes> bytes{};
    std::uint32_t size = 0;  ///< 0 = no position

    bool operator==(const Position& other) const noexcept {
        return size == other.size && std::memcmp(bytes.data(), other.bytes.data(), size) == 0;
    }
};

/// Receives captured pages: core's batch.
class PageSink {
public:
    virtual ~PageSink() = default;

    /// The content of page `number` after a commit; a later call for the same page replaces an earlier one. `content` has the
    /// page size and is valid during the call only. Throws Error when there is no room for it; the pass then ends as Lost.
    virtual void page(PageNumber number, ConstBytes content) = 0;
};

/// What attach() found.
struct Attachment {
    enum class Outcome {
        Proved,    ///< nothing was missed since the given position: capture() goes on from there
        Lost,      ///< following, but continuity with the given position cannot be proved (or none was given): image() is next
        Detached,  ///< cannot be followed now (no file, empty, locked, not allowed): the source wakes core when that may have changed
    };
    Outcome outcome = Outcome::Detached;
    std::string reason;          ///< for people; empty when Proved
    std::uint32_t pageSize = 0;  ///< bytes; 0 when Detached
    std::uint32_t commit = 0;    ///< pages in the database; 0 when Detached
};

/// What one capture() brought.
struct Capture {
    enum class Outcome {
        Unchanged,  ///< nothing new was committed
        Captured,   ///< the sink has everything up to `position`
        More,       ///< as Captured, and more is waiting: call again soon
        Lost,       ///< continuity is gone; whatever the sink got since the last cut must be thrown away; image() is next
        Detached,   ///< the database went away or was replaced; the source is closed down and attach() is next
    };
    Outcome outcome = Outcome::Unchanged;
    std::string reason;
    Position position;         ///< after the last captured commit
    std::uint32_t commit = 0;  ///< pages in the database after it
};

/// A consistent image of a database, pinned while the object lives. It must not hold up the application's writers. Owned by core,
/// used by one thread at a time, not necessarily the source's, and destroyed before its source.
class Image {
public:
    virtual ~Image() = default;

    virtual std::uint32_t pageSize() const noexcept = 0;
    virtual std::uint32_t pageCount() const noexcept = 0;  ///< LTX's commit
    virtual Position position() const noexcept = 0;

    /// Reads `into.size() / pageSize()` consecutive pages from `first` on. The lock page reads as zeros.
    virtual void read(PageNumber first, MutableBytes into) = 0;
};

/// For status pages and diagnostics.
struct SourceStatus {
    std::string state;            ///< "following", "detached: file does not exist", ...
    std::string position;         ///< readable form of the captured position
    std::uint64_t walBytes = 0;   ///< bytes of log that the application has written and not recycled
    std::string guard;            ///< what currently protects the log, in the source's own terms
    std::uint64_t checkpoints = 0;
};

/// Follows one database. Core knows SQLite's page model (page, commit, lock page); what a log is and how it is guarded is
/// the source's own business.
///
/// A source never writes to the user's database and never makes its writers wait.
///
/// Threads: core calls a source (and the Image it gave) from one thread at a time, on changing threads. Methods return within
/// milliseconds: a source tries a lock, it never waits for one.
/// Errors: what is wrong with the database is an outcome, not an exception. An Error thrown from capture() or image() counts as Lost.
class Source {
public:
    virtual ~Source() = default;

    /// Begins to follow. `last` is the position behind the newest TXID that core vouches for, or null. May be called again after
    /// Detached. After Proved or Lost nothing that is committed can escape until detach().
    virtual Attachment attach(const Position* last) = 0;

    /// Hands to `sink` all pages of transactions committed since the last call, stopping at the first commit at which `budgetBytes` are
    /// used up. Also the moment at which the source does its own housekeeping.
    virtual Capture capture(std::uint64_t budgetBytes, PageSink& sink) = 0;

    /// Everything up to `position` (the latest of capture() or an image) is safe or may be: the log up to there may be recycled.
    virtual void release(const Position& position) = 0;

    /// While following: an image of exactly the state at the last captured position; call capture() until Unchanged first. Error(Transient) if that
    /// state can no longer be pinned: capture and ask again. After Lost: an image of the state now, which becomes the
    /// captured position and ends the loss.
    virtual std::unique_ptr<Image> image() = 0;

    /// Stops following and closes the database. Commits after the last capture() are not seen. Does nothing when detached.
    virtual void detach() = 0;

    virtual SourceStatus status() const = 0;
};

/// Why a source asks for attention.
enum class Wake {
    Changed,   ///< something was committed; core may wait for its next cut
    Pressing,  ///< the log has grown or can be recycled: call capture() now
    Attach,    ///< a detached source may be attachable now
};

/// What a source plugin needs to make one source. The wake function may be called from any thread, also from inside a
/// method of the source; it returns at once. It is not called after the source's destruction.
struct SourceContext {
    std::filesystem::path database;  ///< absolute
    std::function<void(Wake)> wake;
};

}  // namespace litestream
