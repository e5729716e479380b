#include "PartReader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace litestream::s3 {

/// What is left of the current run, or the next one.
ConstBytes PartReader::run() {
    if (rest_.empty() && !ended_) {
        context_.check(operation_);
        rest_ = body_.next();
        ended_ = rest_.empty();
    }
    return rest_;
}

bool PartReader::ended() { return run().empty(); }

ConstBytes PartReader::next(PartBuffer& buffer, std::size_t length) {
    if (taken_ == 0 && body_.size() && run().size() == *body_.size() && rest_.size() <= length) {
        // The whole body in one run is the usual case: no copy, and no call of next() that would take the run away.
        ended_ = true;
        taken_ = rest_.size();
        return std::exchange(rest_, {});
    }
    buffer.reserve(length);
    std::size_t filled = 0;
    while (filled < length && !run().empty()) {
        const std::size_t part = std::min(length - filled, rest_.size());
        std::memcpy(buffer.data() + filled, rest_.data(), part);
        rest_ = rest_.subspan(part);
        filled += part;
    }
    taken_ += filled;
    return {buffer.data(), filled};
}

}  // namespace litestream::s3
