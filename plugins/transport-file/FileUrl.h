#pragma once

#include <string>
#include <string_view>

namespace litestream::file {

/// The directory that a file URL stands for, read as upstream reads it: percent escapes stay encoded (and what should be encoded
/// gets encoded), a host is the first segment of the path, the query is dropped, the path is cleaned lexically.
/// Throws Error(InvalidArgument) without a path.
std::string pathOfUrl(std::string_view url);

}  // namespace litestream::file
