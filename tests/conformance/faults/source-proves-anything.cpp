#include "SnapshotSource.h"

namespace litestream::faults {
namespace {

/// Believes that nothing happened while it was away.
class ProvesAnything final : public SnapshotSource {
public:
    using SnapshotSource::SnapshotSource;

private:
    Attachment attach(const Position* last) override {
        Attachment found = SnapshotSource::attach(last);
        if (last == nullptr || found.outcome != Attachment::Outcome::Lost) return found;
        lost_ = false;
        return {Attachment::Outcome::Proved, "", found.pageSize, found.commit};
    }
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_SOURCE("proves-anything", litestream::faults::ProvesAnything)
