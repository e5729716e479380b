#include "common/Setup.h"

#include "config/Resolve.h"

#include <cstdlib>

namespace litestream::app {

const char* version() noexcept {
    return LITESTREAM_VERSION;
}

Setup prepare(config::Config config) {
    Setup setup;
    setup.config = std::move(config);
    setup.registry = plugin::Registry::load(plugin::Registry::searchPath(setup.config.pluginPath));
    std::vector<std::string> warnings;
    setup.databases = config::resolve(setup.config, *setup.registry, warnings);
    logWarnings(warnings);
    return setup;
}

void adoptCredentials() {
    for (const std::string name : {"ACCESS_KEY_ID", "SECRET_ACCESS_KEY"}) {
        const char* value = std::getenv(("LITESTREAM_" + name).c_str());
        if (value != nullptr) ::setenv(("AWS_" + name).c_str(), value, 0);
    }
}

void logWarnings(const std::vector<std::string>& warnings) {
    for (const std::string& warning : warnings) log::warn(warning);
}

void configureLog(log::Settings settings, const std::string& levelFlag) {
    const char* environment = std::getenv("LOG_LEVEL");
    std::string name = environment == nullptr ? "" : environment;
    if (!levelFlag.empty()) name = levelFlag;
    // A word that is no level means info, as upstream has it: a slip here must not keep a daemon from starting.
    if (!name.empty()) settings.level = config::parseLevel(name).value_or(log::Level::Info);
    log::configure(settings);
}

}  // namespace litestream::app
