#pragma once

#include <string>
#include <string_view>

namespace litestream {

/// A URL, or a text that was meant to be one, for messages: without what may be a secret. Everything between the scheme
/// and the last '@' is replaced by "xxxxx", and query and fragment are left out. It rather hides too much: a secret
/// that nobody encoded may hold '/', '?', '#' and '@' itself.
std::string shownUrl(std::string_view url);

}  // namespace litestream
