#pragma once

#include <filesystem>
#include <vector>

namespace litestream::plugin {

/// `plugins/` beside the running executable and `../lib/litestream/plugins`, where an installed one has them.
std::vector<std::filesystem::path> programDirectories();

/// The colon-separated LITESTREAM_PLUGIN_PATH, without empty parts.
std::vector<std::filesystem::path> environmentDirectories();

/// The files of `directory` that are meant as plugins (*.so), by name, so that the outcome does not depend on the file system.
/// Throws Error when the directory cannot be read.
std::vector<std::filesystem::path> pluginFiles(const std::filesystem::path& directory);

}  // namespace litestream::plugin
