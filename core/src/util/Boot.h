#pragma once

#include <cstdint>

namespace litestream {

/// A number that stands for this boot of the machine, never 0: what was written in another boot may have lost its end with the power.
std::uint64_t bootIdentity();

}  // namespace litestream
