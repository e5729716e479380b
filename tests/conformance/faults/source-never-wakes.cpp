#include "SnapshotSource.h"

namespace litestream::faults {
namespace {

/// Waits to be asked.
class NeverWakes final : public SnapshotSource {
public:
    using SnapshotSource::SnapshotSource;

private:
    void wake(Wake) override {}
};

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_SOURCE("never-wakes", litestream::faults::NeverWakes)
