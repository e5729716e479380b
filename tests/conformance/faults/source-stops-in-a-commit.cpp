#include "SnapshotSource.h"

namespace litestream::faults {
namespace {

/// Stops when the budget is used up, wherever that is.
class StopsInACommit final : public SnapshotSource {
public:
    using SnapshotSource::SnapshotSource;

private:
    Capture ship(std::string now, std::uint64_t budgetBytes, PageSink& sink) override {
        const std::size_t size = pageSize();
        std::string partly = *known_;
        partly.resize(now.size());
        std::uint64_t used = 0;
        for (std::size_t at = 0; at < now.size() && used < budgetBytes; at += size) {
            if (at < known_->size() && known_->compare(at, size, now, at, size) == 0) continue;
            sink.page(static_cast<PageNumber>(at / size + 1), std::as_bytes(std::span(now)).subspan(at, size));
            partly.replace(at, size, now, at, size);
            used += size;
        }
        const bool more = partly != now;
        known_ = std::make_shared<const std::string>(std::move(partly));
        return ended(more ? Capture::Outcome::More : Capture::Outcome::Captured, "");
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_SOURCE("stops-in-a-commit", litestream::faults::StopsInACommit)
