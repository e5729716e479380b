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

/// Loads the plugins and validates; the log is set up. Throws Error.
Setup prepare(config::Config config);

/// LITESTREAM_ACCESS_KEY_ID and LITESTREAM_SECRET_ACCESS_KEY become AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, each one only when that
/// is not set at all: set but empty is set. Before any thread, plugin or child is started.
void adoptCredentials();

/// What reading the configuration found worth telling, now that the log is set up.
void logWarnings(const std::vector<std::string>& warnings);

/// The log as configured; LOG_LEVEL beats the configuration, and `levelFlag` (if not empty) beats both.
void configureLog(log::Settings settings, const std::string& levelFlag = {});

}  // namespace litestream::app
