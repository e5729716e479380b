#include "Waker.h"

namespace litestream::sqlite {

void Waker::capturing() noexcept {
    changedReported_ = false;
    pressingReported_ = false;
}

bool Waker::firstReport(Wake reason) noexcept {
    auto& reported = reason == Wake::Changed ? changedReported_ : pressingReported_;
    return !reported.exchange(true);
}

bool Waker::wake(Wake reason) {
    const std::lock_guard lock(mutex_);
    if (!wake_) return true;
    try {
        wake_(reason);
    } catch (...) {
        capturing();
        return false;
    }
    return true;
}

void Waker::close() {
    const std::lock_guard lock(mutex_);
    wake_ = nullptr;
}

}  // namespace litestream::sqlite
