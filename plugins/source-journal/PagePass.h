#pragma once

#include "DatabaseFile.h"
#include "PageSums.h"

#include <litestream/Source.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace litestream::journal {

using Clock = std::chrono::steady_clock;

/// Reads one state of a database whole and hands over the pages whose sums differ from the known ones. It reads in slices with the
/// lock given back in between, and what it read counts only if all of it was one state; otherwise it begins again.
///
/// How much it is in a writer's way grows with how long it has not got through:
/// at first it lets go as soon as a write transaction is open, which is before that transaction needs the file for itself; then it keeps
/// to its slices; at last, seldom, it keeps the lock for as long as `hold` says.
class PagePass {
public:
    enum class End {
        Complete,     ///< everything of state() was handed over
        Interrupted,  ///< the time is up; go on later
        Busy,         ///< a writer is in the way; go on later
        Hot,          ///< a journal waits to be rolled back
        Torn,         ///< the sink has parts of several states, and it takes too long to get to one
    };
    enum class Purpose {
        Capture,  ///< `sink` gets nothing or a whole state, unless the end is Torn
        Copy,     ///< `sink` keeps parts until they are whole
        Learn,    ///< nothing is handed over: the sums are set to those of this state
    };

    /// `sums` are brought up to what was handed over. `hold` is the longest time that a lock is kept.
    PagePass(DatabaseFile& file, std::uint32_t pageSize, PageSums& sums, Clock::duration hold);

    /// Goes on until `deadline`, or later if Capture has begun to hand over. Throws Refusal for what is no database, and WrongState.
    End advance(Purpose purpose, PageSink& sink, Clock::time_point deadline);

    /// With Learn: another state than this one ends it with WrongState.
    void expect(const std::optional<FileStamp>& stamp) { expected_ = stamp; }

    /// Forgets what was read. What has been handed over counts as not known.
    void reset();

    /// After Complete.
    const FileStamp& state() const noexcept { return state_; }

    /// Time under the lock that the last complete pass took, with all attempts.
    Clock::duration cost() const noexcept { return cost_; }

    /// How often the lock was kept beyond a slice, and how often even that was too short.
    unsigned longHolds() const noexcept { return longHolds_; }
    unsigned vainHolds() const noexcept { return vainHolds_; }

private:
    struct Difference {
        PageNumber number;
        std::uint64_t sum;
    };
    struct Stretch;

    End slice(Purpose purpose, PageSink& sink);
    bool polite(Clock::time_point now) const noexcept;
    bool insistent(Clock::time_point now) const noexcept;
    void adopt(const FileStamp& stamp);
    void compare(Purpose purpose, Clock::time_point until, bool giveWay);
    Stretch gather(Clock::time_point until) const;
    void handOver(const Stretch& stretch, PageSink& sink);
    bool compared() const noexcept { return next_ > state_.pages; }

    DatabaseFile& file_;
    const std::uint32_t pageSize_;
    PageSums& sums_;
    const Clock::duration hold_;
    std::optional<FileStamp> expected_;

    bool begun_ = false;
    FileStamp state_;
    PageNumber next_ = 1;                  ///< the first page that was not compared
    std::vector<Difference> differences_;  ///< ascending
    std::size_t handedOver_ = 0;           ///< of differences_
    bool parts_ = false;                   ///< the sink has pages of a state that is not whole

    std::unique_ptr<std::byte[]> buffer_;  ///< only during advance()
    Clock::time_point wantedSince_{};      ///< first attempt since the last complete pass
    Clock::time_point insistedAt_{};
    Clock::duration spent_{};      ///< under the lock, since the last complete pass
    Clock::duration cost_{};       ///< of the last complete pass, vain attempts included
    Clock::duration attempt_{};    ///< under the lock, in the state that was begun
    Clock::duration wholePass_{};  ///< of the last complete pass, its last attempt alone
    unsigned longHolds_ = 0;
    unsigned vainHolds_ = 0;
};

/// The database has another state or page size than what a pass is for.
class WrongState : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace litestream::journal
