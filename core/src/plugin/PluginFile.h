#pragma once

#include <filesystem>

namespace litestream::plugin {

/// What must hold before the dynamic linker may see a file: code in it runs as soon as it is opened. Both throw Error(Denied) or
/// Error(InvalidArgument) that says what was found and what was wanted.

/// A directory that only we or root may change.
void checkPluginDirectory(const std::filesystem::path& directory);

/// A regular file that only we or root may change, and a shared object for this machine.
void checkPluginFile(const std::filesystem::path& file);

}  // namespace litestream::plugin
