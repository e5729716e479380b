#pragma once

#include "plugin/Registry.h"

namespace litestream::conformance {

/// The plugins of this build, loaded as a program loads them.
inline const plugin::Registry& shippedPlugins() {
    static const std::unique_ptr<plugin::Registry> registry = plugin::Registry::load({LITESTREAM_BIN "/plugins"});
    return *registry;
}

}  // namespace litestream::conformance
