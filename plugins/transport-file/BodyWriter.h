#pragma once

#include "TempFile.h"

#include <litestream/Call.h>
#include <litestream/Transport.h>

#include <cstdint>

namespace litestream::file {

/// Writes all of `body` to `file` and returns how many bytes that were. Long runs go out as they come; short ones are gathered,
/// so that a body in small pieces does not cost one write each.
std::uint64_t writeBody(Body& body, TempFile& file, const CallContext& context);

}  // namespace litestream::file
