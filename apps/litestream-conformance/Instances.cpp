#include "litestream-conformance/Subject.h"

namespace litestream::conformance {

INSTANTIATE_TEST_SUITE_P(Subject, TransportSuite, testing::ValuesIn(candidates().transports));

INSTANTIATE_TEST_SUITE_P(Subject, TransportListing, testing::ValuesIn(candidates().transports));

INSTANTIATE_TEST_SUITE_P(Subject, CodecSuite, testing::ValuesIn(candidates().codecs));

INSTANTIATE_TEST_SUITE_P(Subject, SourceSuite, testing::ValuesIn(candidates().sources));

}  // namespace litestream::conformance
