#pragma once

#include <litestream/Plugin.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace litestream::conformance {

/// What the command line asks for.
struct Request {
    std::optional<PluginKind> kind;  ///< none: --list of all kinds
    std::string name;                ///< of the plugin; empty when `url` says it
    std::string url;
    std::vector<std::pair<std::string, std::string>> options;
    std::string journalMode;          ///< "wal", "delete", or empty: whichever the source attaches to
    std::filesystem::path directory;  ///< for the databases of a source
    std::filesystem::path pluginPath;
    std::string filter;
    std::chrono::nanoseconds limit = std::chrono::seconds(150);  ///< for one clause
    bool retry = false;
    bool json = false;
    bool speed = true;
    bool listOnly = false;
};

/// A command line that cannot be followed.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Throws UsageError, or flags::HelpRequested after it has printed the usage screen.
Request parseRequest(std::span<const std::string> arguments);

}  // namespace litestream::conformance
