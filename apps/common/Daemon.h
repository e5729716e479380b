#pragma once

#include "common/Setup.h"

#include <functional>

namespace litestream::app {

/// Follows all databases of a configuration until SIGINT or SIGTERM, or until the child of `exec` has ended; then
/// captures and uploads what is left, for at most the configured patience, which a second signal cuts short.
///
/// `makeSetup` is called with signals already under control. Throws Error when the configuration is refused, the child
/// failed, or a replica did not get everything: a supervisor must see that.
void runDaemon(const std::function<Setup()>& makeSetup);

}  // namespace litestream::app
