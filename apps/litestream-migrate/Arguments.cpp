#include "litestream-migrate/Arguments.h"

#include "config/Config.h"
#include "util/GoFlags.h"

#include <litestream/Error.h>
#include <litestream/Options.h>

#include <iostream>

namespace litestream::migrate_app {
namespace {

constexpr const char* kUsage =
    "Copies a replica to another place, whatever transports both places have. Replicas of v0.5 and of v0.3 are known.\n"
    "What is there already is not sent again, so a migration that was interrupted is continued by starting it again.\n"
    "FROM and TO are replica URLs, or DB_PATH or DB_PATH#REPLICA for a replica of the configuration file.\n"
    "\n"
    "Usage:\n"
    "\n"
    "\tlitestream-migrate [flags] FROM TO\n";

constexpr const char* kExitCodes =
    "Exit codes:\n"
    "\n"
    "  0  everything is at the destination\n"
    "  1  failed; start it again when the cause is gone\n"
    "  2  wrong arguments\n"
    "  3  all that could be copied was: some objects were refused or are not right at the destination, see above\n"
    "  4  interrupted by a signal; start it again to go on\n";

std::uint64_t readSize(const std::string& text) {
    try {
        return parseSize(text);
    } catch (const Error& error) {
        throw flags::FlagError(error.what());
    }
}

migrate::Verify readVerify(const std::string& text) {
    if (text == "full") return migrate::Verify::Full;
    if (text == "sampled") return migrate::Verify::Sampled;
    if (text == "none") return migrate::Verify::None;
    throw flags::FlagError("must be full, sampled or none");
}

void atLeast(bool holds, const char* rule) {
    if (!holds) throw flags::FlagError(rule);
}

void check(const Arguments& arguments) {
    constexpr std::uint64_t kLeastMemory = 8u << 20;
    atLeast(arguments.parallelism >= 1 && arguments.parallelism <= 256, "-parallelism must be 1 to 256");
    atLeast(arguments.memoryBytes >= kLeastMemory, "-memory must be 8MiB at least");
    atLeast(arguments.interval.count() > 0, "-interval must be more than zero");
    atLeast(arguments.patience.count() >= 0, "-patience must not be negative");
    atLeast(!arguments.follow || !arguments.dryRun, "-follow and -dry-run exclude each other");
    atLeast(!arguments.follow || !arguments.recursive, "-follow and -recursive exclude each other: follow each database alone");
}

}  // namespace

Arguments parseArguments(std::span<const std::string> words) {
    Arguments out;
    const std::vector<flags::Flag> flags{
        {"config", &out.configFile, "PATH",
         "configuration file whose keys and options the URLs get; default " + config::defaultFile().string() + ", read only for a DB_PATH"},
        {"no-expand-env", &out.noExpandEnv, "", "leave $NAME in litestream.yml as it is"},
        {"recursive", &out.recursive, "", "copy every replica that lies anywhere below FROM to the same place below TO"},
        {"follow", &out.follow, "", "go on copying what comes, until SIGINT or SIGTERM; then copy what is left and end"},
        {"interval", &out.interval, "DURATION", "with -follow: how often to look for new transactions; default 1s"},
        {"verify", [&](const std::string& text) { out.verify = readVerify(text); }, "MODE",
         "read copied objects back: full (those that were there already as well), sampled or none; default sampled"},
        {"delete-extra", &out.deleteExtra, "", "at the end, delete files of the replica at TO that FROM does not have"},
        {"dry-run", &out.dryRun, "", "print what would be done"},
        {"json", &out.json, "", "print the result as JSON"},
        {"parallelism", &out.parallelism, "N", "how many objects at a time; default 8"},
        {"memory", [&](const std::string& text) { out.memoryBytes = readSize(text); }, "SIZE",
         "memory for objects on their way; default 40MiB"},
        {"bwlimit", [&](const std::string& text) { out.bytesPerSecond = readSize(text); }, "RATE", "bytes per second at most, like 5MiB"},
        {"patience", &out.patience, "DURATION", "give up when nothing has succeeded for so long; default 5m, with -follow never"},
        {"log-level", &out.logLevel, "LEVEL", "trace, debug, info, warn or error"}};
    const auto usage = [&](std::ostream& stream) { stream << kUsage << "\nFlags:\n\n" << flags::describe(flags) << "\n" << kExitCodes; };
    try {
        const auto positionals = flags::parse(flags, words);
        atLeast(positionals.size() == 2, positionals.size() < 2 ? "FROM and TO required" : "too many arguments");
        check(out);
        out.from = positionals[0];
        out.to = positionals[1];
        return out;
    } catch (const flags::FlagError& error) {
        std::cerr << error.what() << "\n";
        usage(std::cerr);
        throw UsageError{};
    } catch (const flags::HelpRequested&) {
        usage(std::cout);
        throw;
    }
}

}  // namespace litestream::migrate_app
