#pragma once

#include "engine/Engine.h"

namespace litestream::app {

/// Adds a database to the engine, and says so in the log. Throws as Engine::add.
void followDatabase(engine::Engine& engine, const plugin::Registry& registry, const engine::DatabaseOptions& database);

}  // namespace litestream::app
