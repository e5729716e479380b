#include "SnapshotSource.h"

namespace litestream::faults {
namespace {

/// Takes a commit that changes nothing but the first page for housekeeping.
class MissesACommit final : public SnapshotSource {
public:
    using SnapshotSource::SnapshotSource;

private:
    Capture ship(std::string now, std::uint64_t budgetBytes, PageSink& sink) override {
        if (now.compare(pageSize(), std::string::npos, *known_, pageSize(), std::string::npos) == 0)
            return ended(Capture::Outcome::Unchanged, "");
        return SnapshotSource::ship(std::move(now), budgetBytes, sink);
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_SOURCE("misses-a-commit", litestream::faults::MissesACommit)
