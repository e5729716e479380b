#pragma once

#include "migrate/Migration.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

namespace litestream::migrate_app {

/// The command line.
struct Arguments {
    std::string from;
    std::string to;
    std::string configFile;
    bool noExpandEnv = false;
    bool recursive = false;
    bool follow = false;
    bool dryRun = false;
    bool deleteExtra = false;
    bool json = false;
    std::string logLevel;
    migrate::Verify verify = migrate::Verify::Sampled;
    std::int64_t parallelism = 8;
    std::uint64_t memoryBytes = 40u << 20;
    std::uint64_t bytesPerSecond = 0;  ///< 0 = no limit
    std::chrono::nanoseconds patience = std::chrono::minutes(5);
    std::chrono::nanoseconds interval = std::chrono::seconds(1);
};

/// A wrong command line; its message has been printed, with the usage screen.
struct UsageError {};

/// Throws UsageError; flags::HelpRequested when only the usage screen was wanted, which has been printed.
Arguments parseArguments(std::span<const std::string> words);

}  // namespace litestream::migrate_app
