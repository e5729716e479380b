#include "common/Setup.h"
#include "litestream/Command.h"

#include <litestream/Error.h>

#include <algorithm>
#include <array>
#include <iomanip>
#include <iostream>

namespace {

using namespace litestream;

struct Verb {
    std::string_view name;
    std::string_view summary;
    void (*run)(cli::Arguments);
};

constexpr std::array<Verb, 8> kVerbs{{{"databases", "list the databases of the configuration", cli::databases},
                                      {"ltx", "list the LTX files of a replica", cli::ltx},
                                      {"plugins", "list the plugins that were found", cli::plugins},
                                      {"replicate", "follow databases and keep their replicas current", cli::replicate},
                                      {"reset", "forget the local state of a database", cli::reset},
                                      {"restore", "bring a database back from a replica", cli::restore},
                                      {"status", "show the local state of the databases", cli::status},
                                      {"version", "print the version", cli::version}}};

void printOverview() {
    std::cout << "litestream replicates SQLite databases.\n\nUsage:\n\n\tlitestream <command> [arguments]\n\nThe "
                 "commands are:\n\n";
    for (const Verb& verb : kVerbs)
        std::cout << "\t" << std::left << std::setw(12) << verb.name << " " << verb.summary << "\n";
    std::cout << std::endl;
}

int report(const std::string& text, const std::string& tryCommand = {}) {
    std::cerr << "Error: " << text << "\n";
    if (!tryCommand.empty()) std::cerr << "Try: " << tryCommand << "\n";
    return 1;
}

int run(const Verb& verb, cli::Arguments arguments) {
    try {
        verb.run(arguments);
        std::cout.flush();
        return std::cout ? 0 : report("cannot write to stdout");
    } catch (const flags::HelpRequested&) {
        return 0;
    } catch (const cli::CommandError& error) {
        return report(error.what(), error.tryCommand());
    } catch (const std::exception& error) {
        return report(error.what());
    }
}

bool isHelp(const std::string& name) {
    return name == "help" || name == "-h" || name == "-help" || name == "--help";
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    if (arguments.empty() || arguments[0].starts_with('-') || isHelp(arguments[0])) {
        printOverview();
        return !arguments.empty() && isHelp(arguments[0]) ? 0 : 1;
    }
    app::adoptCredentials();
    const auto isAsked = [&](const Verb& verb) { return verb.name == arguments[0]; };
    const auto verb = std::find_if(kVerbs.begin(), kVerbs.end(), isAsked);
    if (verb == kVerbs.end()) return report("litestream " + arguments[0] + ": unknown command");
    return run(*verb, cli::Arguments(arguments).subspan(1));
}
