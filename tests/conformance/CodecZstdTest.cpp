#include "CodecSuite.h"
#include "ShippedPlugins.h"

namespace litestream::conformance {

CodecCandidate atLevel(const char* level) {
    return {std::string("zstd-") + level, [level] {
                OptionValues options;
                options.set("level", level);
                return shippedPlugins().openCodec("zstd", options);
            }};
}

INSTANTIATE_TEST_SUITE_P(Zstd, CodecSuite, testing::Values(atLevel("1"), atLevel("3"), atLevel("19")));

}  // namespace litestream::conformance
