#include "PlainCodec.h"

namespace litestream::faults {
namespace {

/// What all the others are made of.
using Correct = PlainCodec;

}  // namespace
}  // namespace litestream::faults

LITESTREAM_FAULTY_CODEC("nothing-wrong", litestream::faults::Correct)
