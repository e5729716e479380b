#pragma once

#include <functional>
#include <optional>
#include <string>

namespace litestream::http {

/// Looks up an environment variable: absent when it is not set, "" when it is set to nothing. Thread-safe as long as
/// nobody changes the environment.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// The one of this process.
Environment processEnvironment();

/// The value of the first of `names` that is set and not empty, or "".
std::string firstOf(const Environment& environment, std::initializer_list<const char*> names);

}  // namespace litestream::http
