#include "migrate/MemoryBudget.h"

#include <litestream/Error.h>

#include <algorithm>

namespace litestream::migrate {

MemoryBudget::Lease MemoryBudget::acquire(std::uint64_t bytes, const CancellationToken& token) {
    bytes = std::min(bytes, total_);
    const auto wake = token.onCancel([this] {
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return token.cancelled() || free_ >= bytes; });
    if (token.cancelled()) throw Error(ErrorCode::Cancelled, "wait for memory: cancelled");
    free_ -= bytes;
    return {*this, bytes};
}

void MemoryBudget::release(std::uint64_t bytes) noexcept {
    const std::lock_guard lock(mutex_);
    free_ += bytes;
    changed_.notify_all();
}

}  // namespace litestream::migrate
