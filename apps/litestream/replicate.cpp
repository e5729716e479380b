#include "common/Daemon.h"
#include "litestream/Command.h"

namespace litestream::cli {
namespace {

const Usage kUsage{
    "Follows databases and keeps their replicas current, until it is told to stop.",
    {"litestream replicate [flags]", "litestream replicate [flags] DB_PATH REPLICA_URL [REPLICA_URL...]"}};

void checkUrls(std::span<const std::string> urls) {
    for (const std::string& url : urls) {
        if (url.starts_with('-')) {
            throw CommandError("flag \"" + url + "\" must be positioned before DB_PATH and REPLICA_URL arguments");
        }
    }
}

config::Config readConfig(const std::vector<std::string>& positionals, const ConfigFlags& flags,
                          const std::string& logLevel) {
    if (positionals.empty()) return loadConfig(flags, {.level = logLevel});
    if (positionals.size() == 1) throw CommandError("must specify at least one replica URL for DB");
    if (!flags.file.empty()) throw CommandError("cannot specify a replica URL and the -config flag");
    const auto urls = std::span(positionals).subspan(1);
    checkUrls(urls);
    app::configureLog({}, logLevel);
    return config::fromArguments(positionals[0], urls);
}

}  // namespace

void replicate(Arguments arguments) {
    ConfigFlags configFlags;
    std::string logLevel;
    std::string exec;
    const auto flags = configFlags.with({{"exec", &exec, "CMD", "run a program; when it ends, so does replication"},
                                         {"log-level", &logLevel, "LEVEL", "trace, debug, info, warn or error"}});
    config::Config config = readConfig(parseFlags(kUsage, flags, arguments), configFlags, logLevel);
    if (!exec.empty()) config.exec = exec;
    log::info("litestream", {{"version", app::version()}});
    app::runDaemon([&] { return app::prepare(std::move(config)); });
}

}  // namespace litestream::cli
