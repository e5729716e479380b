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

/// What the user asked for, as written. Configuration files and command lines fill the same structures (IniReader.h, YamlReader.h,
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
    bool lenient = false;  ///< where the plugin has no such option, that is a warning and no error
    std::string unused;    ///< the reason to give in that warning; empty = nobody knows this name
};

/// Either `url`, or `type` with options; a url may be refined by options.
struct Replica {
    std::string name;  ///< empty = the transport's name
    std::string url;
    std::string type;
    std::vector<PluginOption> options;
    std::optional<std::chrono::nanoseconds> syncInterval;  ///< nothing = the database's, then the global one
    /// Settings of version 0.3, for this replica instead of the global ones.
    std::optional<std::chrono::nanoseconds> retention;  ///< not above zero = nothing is deleted
    std::optional<std::chrono::nanoseconds> retentionCheckInterval;
    std::optional<std::chrono::nanoseconds> snapshotInterval;
    std::optional<std::chrono::nanoseconds> validationInterval;  ///< not above zero = never
    std::string label = "replica";                         ///< in messages: "replica", "replicas[0]"
    Place place;
};

/// Instead of one database: those that lie in a directory (DirectoryEntry.h).
struct Directory {
    std::filesystem::path path;  ///< empty = the entry names one database
    std::string pattern;         ///< glob for base names
    bool recursive = false;
    bool watch = false;
    std::filesystem::path metaPath;  ///< below it each database has a metadata directory, at its relative path
};

struct Database {
    std::string name;  ///< the section's; may be empty
    std::filesystem::path path;
    std::filesystem::path metaPath;
    Directory directory;
    std::string source = "auto";
    std::vector<PluginOption> sourceOptions;
    std::string codec;  ///< empty = the global one
    std::vector<PluginOption> codecOptions;  ///< keys "codec-NAME", as NAME
    std::optional<std::chrono::nanoseconds> syncInterval;
    bool takeover = false;
    bool restoreIfNotExists = false;  ///< of a `path`: bring it back from its replicas before it is followed
    std::vector<Replica> replicas;
    Place place;
};

struct Config {
    log::Settings logging;
    std::filesystem::path pluginPath;
    std::string codec = "lz4";
    std::vector<PluginOption> codecOptions;  ///< keys "codec-NAME", as NAME
    std::string exec;
    std::chrono::nanoseconds shutdownSyncTimeout = std::chrono::seconds(30);
    std::chrono::nanoseconds shutdownSyncInterval = std::chrono::milliseconds(500);
    engine::Limits limits;
    std::optional<std::chrono::nanoseconds> syncInterval;  ///< of replicas that have none
    levels::Settings levels;                               ///< of all replicas
    std::vector<PluginOption> replicaDefaults;  ///< for replicas whose plugin declares the option and that have none
    std::vector<Database> databases;
    std::vector<std::string> warnings;  ///< of reading, to be logged when the log is set up: "FILE:LINE: text"
};

/// The configuration that `replicate DB URL...` stands for.
Config fromArguments(std::string_view database, std::span<const std::string> urls);

/// A database that is only named by a replica's URL, for verbs that read.
Replica replicaFromUrl(std::string_view url);

/// What is read when no file is named: LITESTREAM_CONFIG, else litestream.yml in `system`; litestream.ini there when only that exists.
std::filesystem::path defaultFile(const std::filesystem::path& system = "/etc");

/// How litestream.yml is read.
struct ReadOptions {
    bool expandEnv = true;  ///< replace $NAME by environment variables
};

/// Reads a configuration file by its kind: .ini, .yml or .yaml; with another name it is INI when its first line of content begins with
/// '['. Throws Error(NotFound) "config file not found: PATH".
Config readFile(const std::filesystem::path& file, const ReadOptions& options = {});

/// The logging level of a name, in any case; nothing for an unknown one.
std::optional<log::Level> parseLevel(std::string_view name);

}  // namespace litestream::config
