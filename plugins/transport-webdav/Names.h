#pragma once

#include <string>
#include <string_view>

namespace litestream::webdav {

/// The folder that a key is in: "" or ending with '/'.
std::string_view folderOf(std::string_view key) noexcept;

/// A name beside `key` under which its content waits until it is whole: "<key>.<16 random hexadecimal digits>.tmp".
std::string unfinishedName(const std::string& key);

/// True for what listings leave out: files that somebody is still writing, we or another program.
bool isUnfinished(std::string_view name) noexcept;
/// True for those of unfinishedName() only.
bool isOurUnfinished(std::string_view name) noexcept;

/// As litestream::checkKey(), for a key that is to be written: a name that listings leave out is refused too.
void checkNewKey(std::string_view key);

}  // namespace litestream::webdav
