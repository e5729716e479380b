#pragma once

#include <span>
#include <string>
#include <string_view>

namespace litestream {

/// The one of `names` that `text` was probably meant to be; empty when none is near. Of equally near ones the first.
std::string nearestName(std::string_view text, std::span<const std::string> names);

}  // namespace litestream
