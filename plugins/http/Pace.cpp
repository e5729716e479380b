#include "Pace.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <system_error>
#include <utility>

namespace litestream::http {

namespace {

/// How often a wait looks whether the other side acknowledges something.
constexpr std::chrono::seconds kStep{1};

}  // namespace

ConnectionFailure lostBy(const char* step, int errnoValue) {
    std::string reason = std::generic_category().message(errnoValue);
    if (errnoValue == EPIPE || errnoValue == ECONNRESET || errnoValue == ECONNABORTED) {
        reason = "connection reset by peer";
    } else if (!reason.empty()) {
        reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
    }
    return {ConnectionFailure::Kind::Lost, std::string(step) + ": " + reason};
}

void Pace::check() const {
    if (context_->cancellation.cancelled()) throw ConnectionFailure(ConnectionFailure::Kind::Cancelled, "cancelled");
    if (context_->remaining() == Clock::duration::zero()) {
        throw ConnectionFailure(ConnectionFailure::Kind::Cancelled, "deadline passed");
    }
}

bool Pace::unacknowledgedShrank(int descriptor) noexcept {
    int now = 0;
    if (::ioctl(descriptor, SIOCOUTQ, &now) != 0) return false;
    return now < std::exchange(unacknowledged_, now);
}

void Pace::wait(int descriptor, short events, const char* step) {
    unacknowledgedShrank(descriptor);
    for (;;) {
        check();
        const Clock::duration patient = lastMove_ + patience_ - Clock::now();
        if (patient <= Clock::duration::zero()) {
            const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience_).count();
            throw ConnectionFailure(ConnectionFailure::Kind::Silent,
                                    std::string(step) + ": no answer for " + std::to_string(seconds) + "s");
        }
        // A cancelled call is woken by the shutdown of its socket.
        const auto limit = std::chrono::ceil<std::chrono::milliseconds>(std::min({patient, context_->remaining(), Clock::duration(kStep)}));
        pollfd item{descriptor, events, 0};
        const int ready = ::poll(&item, 1, static_cast<int>(limit.count()));
        if (ready > 0) return;
        if (ready == 0 && unacknowledgedShrank(descriptor)) moved();
        if (ready < 0 && errno != EINTR) throw lostBy(step, errno);
    }
}

}  // namespace litestream::http
