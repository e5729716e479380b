#pragma once

#include "common/Setup.h"

#include <functional>
#include <optional>

namespace litestream::app {

/// One pass instead of following.
struct OneShot {
    bool snapshot = false;   ///< put a snapshot at every replica
    bool retention = false;  ///< delete what may be deleted
};

struct RunFlags {
    bool restoreIfNotExists = false;  ///< of every database, whatever its entry says
    std::optional<OneShot> once{};
};

/// Restores what is missing and wanted, then follows all databases of a configuration until SIGINT or SIGTERM, or until the child of `exec` has ended; then
/// captures and uploads what is left, for at most the configured patience, which a second signal cuts short. With `once` it ends when every replica has
/// everything, or has failed for that patience.
///
/// `makeSetup` is called with signals already under control. Throws Error when the configuration is refused, the child
/// failed, or a replica did not get everything: a supervisor must see that.
void runDaemon(const std::function<Setup()>& makeSetup, const RunFlags& flags = {});

}  // namespace litestream::app
