#pragma once

#include "plugin/Module.h"

#include <memory>

namespace litestream::plugin {

/// Decorators around what a plugin made: a foreign exception or an impossible value becomes an Error that names the plugin. Errors pass
/// unchanged. Each throws at once when the object itself is impossible (null, a nonsensical capability).
std::unique_ptr<Source> guardSource(ModulePtr module, std::unique_ptr<Source> source);
std::unique_ptr<Transport> guardTransport(ModulePtr module, std::unique_ptr<Transport> transport);
std::shared_ptr<const Codec> guardCodec(ModulePtr module, std::unique_ptr<Codec> codec);

}  // namespace litestream::plugin
