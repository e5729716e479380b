#pragma once

#include <string>
#include <string_view>

namespace litestream::config {

/// The text with `$NAME` and `${NAME}` replaced by environment variables, everywhere and before anything else is read. What is not
/// set becomes empty; PID is the process's own. There is no escape and no default value.
std::string expandEnv(std::string_view text);

}  // namespace litestream::config
