#pragma once

#include <string_view>
#include <string_view>

namespace litestream::file {

/// True for names that listings leave out: files that somebody is still writing, we or upstream.
bool isTemporaryName(std::string_view name) noexcept;

/// As litestream::checkKey(), for a key that is to be written: a name that listings leave out is refused too.
void checkNewKey(std::string_view key);

}  // namespace litestream::file
