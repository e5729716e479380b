#pragma once

#include "config/Config.h"
#include "util/GoFlags.h"

#include <span>
#include <stdexcept>
#include <string>
#include <vector>

/// What every verb is made of. From a verb to its file is one step: `litestream restore` is restore.cpp.
namespace litestream::cli {

/// Ends a command: "Error: TEXT" on stderr, then "Try: COMMAND" if there is one to try.
class CommandError : public std::runtime_error {
public:
    explicit CommandError(const std::string& text, std::string tryCommand = {})
        : std::runtime_error(text), tryCommand_(std::move(tryCommand)) {}
    const std::string& tryCommand() const noexcept { return tryCommand_; }

private:
    std::string tryCommand_;
};

using Arguments = std::span<const std::string>;

/// The texts of a usage screen.
struct Usage {
    std::string purpose;                ///< one paragraph
    std::vector<std::string> synopses;  ///< "litestream restore [flags] DB_PATH"
};

/// Parses the flags of a verb and returns its positional arguments. A wrong flag is told on stderr and shows the usage
/// screen on stdout before CommandError is thrown; -h shows it and throws flags::HelpRequested.
std::vector<std::string> parseFlags(const Usage& usage, std::span<const flags::Flag> flags, Arguments arguments);

/// What every verb that reads a configuration is told about it.
struct ConfigFlags {
    std::string file;          ///< -config; empty = the default file
    bool noExpandEnv = false;  ///< -no-expand-env

    /// The flags for these members, followed by the verb's own.
    std::vector<flags::Flag> with(std::vector<flags::Flag> others);
};

/// How the log of a verb is set up, beside what the configuration says.
struct LogFlags {
    bool toStderr = false;  ///< stdout carries the verb's result
    std::string level{};    ///< -log-level
};

/// The configuration that the flags name. Also sets up the log, and tells there what reading it found worth telling.
config::Config loadConfig(const ConfigFlags& flags, const LogFlags& logFlags);

void requireNoMore(const std::vector<std::string>& positionals, std::size_t most);

// One file each.
void databases(Arguments arguments);
void ltx(Arguments arguments);
void plugins(Arguments arguments);
void replicate(Arguments arguments);
void reset(Arguments arguments);
void restore(Arguments arguments);
void status(Arguments arguments);
void version(Arguments arguments);

}  // namespace litestream::cli
