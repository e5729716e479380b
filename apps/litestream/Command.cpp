#include "litestream/Command.h"

#include "common/Setup.h"
#include "util/Paths.h"

#include <iostream>

namespace litestream::cli {
namespace {

void printUsage(const Usage& usage, std::span<const flags::Flag> flags) {
    std::cout << usage.purpose << "\n\nUsage:\n\n";
    for (const std::string& synopsis : usage.synopses) std::cout << "\t" << synopsis << "\n";
    if (!flags.empty()) std::cout << "\nFlags:\n\n" << flags::describe(flags);
    std::cout << std::endl;
}

}  // namespace

std::vector<std::string> parseFlags(const Usage& usage, std::span<const flags::Flag> flags, Arguments arguments) {
    try {
        return flags::parse(flags, arguments);
    } catch (const flags::FlagError& error) {
        std::cerr << error.what() << std::endl;
        printUsage(usage, flags);
        throw CommandError(error.what());
    } catch (const flags::HelpRequested&) {
        printUsage(usage, flags);
        throw;
    }
}

std::vector<flags::Flag> ConfigFlags::with(std::vector<flags::Flag> others) {
    std::vector<flags::Flag> all{
        {"config", &file, "PATH", "configuration file; default " + config::defaultFile().string()},
        {"no-expand-env", &noExpandEnv, "", "leave $NAME in litestream.yml as it is"}};
    all.insert(all.end(), others.begin(), others.end());
    return all;
}

config::Config loadConfig(const ConfigFlags& flags, const LogFlags& logFlags) {
    const auto file = flags.file.empty() ? config::defaultFile() : expandPath(flags.file);
    config::Config config = config::readFile(file, {.expandEnv = !flags.noExpandEnv});
    log::Settings logging = config.logging;
    logging.toStderr = logging.toStderr || logFlags.toStderr;
    app::configureLog(logging, logFlags.level);
    app::logWarnings(config.warnings);
    return config;
}

void requireNoMore(const std::vector<std::string>& positionals, std::size_t most) {
    if (positionals.size() > most) throw CommandError("too many arguments");
}

}  // namespace litestream::cli
