#pragma once

#include <string>
#include <string_view>

namespace litestream::http {

/// Percent-encodes all but A-Z a-z 0-9 - _ . ~, and '/' if it is to be kept: the one form that a signature knows.
std::string percentEncode(std::string_view text, bool keepSlash);

}  // namespace litestream::http
