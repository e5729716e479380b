#pragma once

#include <litestream/Call.h>

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>

namespace litestream::restore {

/// Runs `task(worker, index)` for every index below `count`, on at most `threads` threads; indexes are taken in ascending order. The first
/// failure cancels `stop`, so that the others end soon, and is thrown when all have ended. Nothing new is begun once `stop` is cancelled;
/// then, without another failure, Error(Cancelled).
void runParallel(unsigned threads, std::size_t count, CancellationSource& stop,
                 const std::function<void(unsigned worker, std::size_t index)>& task);

/// Lets tasks that run at the same time pass one point in the order of their indexes. Works with runParallel because the lowest index that
/// has not passed is always being worked at.
class Turns {
public:
    explicit Turns(const CancellationToken& token);

    /// Waits for the turn of `index`, runs `action`, and gives the turn to the next one. Error(Cancelled) when the token is cancelled.
    void inTurn(std::size_t index, const std::function<void()>& action);

private:
    std::mutex mutex_;  // guards next_ and cancelled_
    std::condition_variable changed_;
    std::size_t next_ = 0;
    bool cancelled_ = false;
    std::shared_ptr<void> registration_;  // last: its end waits for a callback that uses the others
};

}  // namespace litestream::restore
