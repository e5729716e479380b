#pragma once

#include <litestream/Transport.h>

#include <memory>

namespace litestream::conformance {

/// Leaves a trail (Trail.h) of every call; changes nothing.
std::shared_ptr<Transport> witness(std::shared_ptr<Transport> transport);

}  // namespace litestream::conformance
