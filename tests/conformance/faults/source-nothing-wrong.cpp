#include "SnapshotSource.h"

namespace litestream::faults {
namespace {

/// What all the others are made of.
using Correct = SnapshotSource;

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_SOURCE("nothing-wrong", litestream::faults::Correct)
