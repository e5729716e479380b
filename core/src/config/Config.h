#pragma once

#include "engine/Engine.h"
#include "util/Log.h"

#include <litestream/Secret.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What the user asked for, as written. Configuration files and command lines fill the same structures (IniReader.h,
/// fromArguments) and pass the same validation (Resolve.h).
namespace litestream::config {

/// Where something was written, for error messages. Nothing for the command line.
struct Place {
    std::string file;
    unsigned line = 0;

    /// "litestream.ini:12: " or "".
    std::string prefix() const;
};

/// Throws Error(InvalidArgument): the place, then `message`.
[[noreturn]] void fail(const Place& place, const std::string& message);

/// `hint` as a sentence behind a message: " Did you mean \"path\"?", or "" when no name is near.
std::string didYouMean(std::string_view written, std::span<const std::string> known);

/// One option of a plugin, not yet checked against its declaration: it may be a key, so nobody may see it.
struct PluginOption {
    std::string name;
    Secret value;
    Place place;
};

/// Either `url`, or `type` with options; a url may be refined by options.
struct Replica {
    std::string name;  ///< empty = the transport's name
    std::string url;
    std::string type;
    std::vector<PluginOption> options;
    Place place;
};

struct Database {
    std::string name;  ///< the section's; empty for the command line
    std::filesystem::path path;
    std::filesystem::path metaPath;
    std::string source = "sqlite";
    std::vector<PluginOption> sourceOptions;
    std::string codec;  ///< empty = the global one
    std::optional<std::chrono::nanoseconds> syncInterval;
    bool takeover = false;
    std::vector<Replica> replicas;
    Place place;
};

struct Config {
    log::Settings logging;
    std::filesystem::path pluginPath;
    std::string codec = "lz4";
    std::string exec;
    std::chrono::nanoseconds shutdownSyncTimeout = std::chrono::seconds(30);
    engine::Limits limits;
    std::vector<Database> databases;
};

/// The configuration that `replicate DB URL...` stands for.
Config fromArguments(std::string_view database, std::span<const std::string> urls);

/// A database that is only named by a replica's URL, for verbs that read.
Replica replicaFromUrl(std::string_view url);

/// What is searched when no file is named: LITESTREAM_CONFIG, or the system's.
std::filesystem::path defaultFile();

/// Reads a configuration file by its kind. Throws Error(NotFound) "config file not found: PATH".
Config readFile(const std::filesystem::path& file);

/// The logging level of a name, in any case; nothing for an unknown one.
std::optional<log::Level> parseLevel(std::string_view name);

}  // namespace litestream::config
