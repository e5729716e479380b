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

flags::Flag configFlag(std::string& target) {
    return {"config", &target, "PATH", "configuration file; default " + config::defaultFile().string()};
}

config::Config loadConfig(const std::string& configFlag, bool json) {
    config::Config config = config::readFile(configFlag.empty() ? config::defaultFile() : expandPath(configFlag));
    log::Settings logging = config.logging;
    logging.toStderr = logging.toStderr || json;
    app::configureLog(logging);
    return config;
}

void requireNoMore(const std::vector<std::string>& positionals, std::size_t most) {
    if (positionals.size() > most) throw CommandError("too many arguments");
}

}  // namespace litestream::cli
