#include "migrate/Sequence.h"

#include <litestream/Error.h>

namespace litestream::migrate {

Sequence::Sequence(std::size_t steps, CancellationToken token)
    : token_(std::move(token)), done_(steps, false), registration_(token_.onCancel([this] {
          const std::lock_guard lock(mutex_);
          changed_.notify_all();
      })) {}

void Sequence::waitFor(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return token_.cancelled() || endedUpTo_ >= count; });
    if (token_.cancelled()) throw Error(ErrorCode::Cancelled, "wait for the objects before: cancelled");
}

void Sequence::ended(std::size_t step) {
    const std::lock_guard lock(mutex_);
    done_[step] = true;
    while (endedUpTo_ < done_.size() && done_[endedUpTo_]) ++endedUpTo_;
    changed_.notify_all();
}

}  // namespace litestream::migrate
