#include "MemoryTransport.h"

namespace litestream::faults {
namespace {

/// What all the others are made of.
using Correct = MemoryTransport;

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_TRANSPORT("nothing-wrong", litestream::faults::Correct)
