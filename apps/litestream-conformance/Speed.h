#pragma once

#include "litestream-conformance/Subject.h"
#include "litestream-conformance/Verdict.h"

#include <vector>

namespace litestream::conformance {

/// A few seconds of work, in a process of its own. Empty when the plugin fails on the way: then the clauses say why.
std::vector<Measurement> measureSpeed(const Subject& subject, std::chrono::nanoseconds limit);

}  // namespace litestream::conformance
