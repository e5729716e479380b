#include "Watch.h"

namespace litestream::journal {

void Watch::publish(const Interest& interest) {
    const std::lock_guard lock(mutex_);
    interest_ = interest;
}

Watch::Interest Watch::interest() const {
    const std::lock_guard lock(mutex_);
    return interest_;
}

}  // namespace litestream::journal
