#pragma once

#include "plugin/Module.h"

namespace litestream::plugin {

/// Opens a file that PluginFile.h let through and checks its descriptor. Throws Error that says what was found and what was wanted;
/// nothing of the file stays loaded then.
ModulePtr loadModule(const std::filesystem::path& file);

}  // namespace litestream::plugin
