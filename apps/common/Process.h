#pragma once

namespace litestream::app {

/// Settings of a process that serves for months: no death by SIGPIPE, as many descriptors as allowed, and an allocator
/// that gives memory back. Called once, before any thread is started.
void prepareProcess();

}  // namespace litestream::app
