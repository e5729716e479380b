#pragma once

#include <filesystem>
#include <string_view>

namespace litestream {

/// A path as people write it, made absolute: a leading sqlite:// or sqlite3:// goes, "~" and "~/" become the home
/// directory, and "." and ".." are removed without looking at links. "~user" is not expanded.
std::filesystem::path expandPath(std::string_view text);

}  // namespace litestream
