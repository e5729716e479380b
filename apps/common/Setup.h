#pragma once

#include "config/Config.h"
#include "plugin/Registry.h"

#include <memory>
#include <string>
#include <vector>

namespace litestream::app {

/// This build's version: "0.1.0".
const char* version() noexcept;

/// A configuration that passed its validation, and the plugins that it needs.
struct Setup {
    config::Config config;
    std::unique_ptr<plugin::Registry> registry;
    std::vector<engine::DatabaseOptions> databases;
};

/// Loads the plugins and validates. Throws Error.
Setup prepare(config::Config config);

/// The log as configured; LOG_LEVEL beats the configuration, and `levelFlag` (if not empty) beats both.
void configureLog(log::Settings settings, const std::string& levelFlag = {});

}  // namespace litestream::app
