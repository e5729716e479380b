#pragma once

#include "common/Setup.h"
#include "common/SignalWatch.h"

namespace litestream::app {

/// Brings back every database of a `path:` entry that is missing and whose entry wants it, or all such entries with `all`: the newest state that one of its
/// replicas has. What has no backup starts fresh. A database appears whole or not at all.
///
/// Returns false when a signal came before the end. Throws Error "restore failed: ...".
bool restoreMissing(const Setup& setup, bool all, SignalWatch& signals);

}  // namespace litestream::app
