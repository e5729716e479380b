#include "CodecSuite.h"
#include "ShippedPlugins.h"

namespace litestream::conformance {

INSTANTIATE_TEST_SUITE_P(Lz4, CodecSuite, testing::Values(CodecCandidate{"lz4", [] { return shippedPlugins().openCodec("lz4", {}); }}));

}  // namespace litestream::conformance
