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

struct ReplicateFlags {
    ConfigFlags config;
    std::string logLevel;
    std::string exec;
    bool once = false;
    app::OneShot oneShot;
    bool restoreIfNotExists = false;

    app::RunFlags run() const {
        app::RunFlags flags{.restoreIfNotExists = restoreIfNotExists};
        if (once) flags.once = oneShot;
        return flags;
    }
};

std::vector<std::string> readFlags(ReplicateFlags& out, Arguments arguments) {
    const auto flags =
        out.config.with({{"exec", &out.exec, "CMD", "run a program; when it ends, so does replication"},
                         {"log-level", &out.logLevel, "LEVEL", "trace, debug, info, warn or error"},
                         {"once", &out.once, "", "send what is committed to every replica, then end"},
                         {"force-snapshot", &out.oneShot.snapshot, "", "with -once: put a snapshot of each database at every replica"},
                         {"enforce-retention", &out.oneShot.retention, "", "with -once: delete what retention lets go"},
                         {"restore-if-db-not-exists", &out.restoreIfNotExists, "", "bring a missing database back from its replicas first"}});
    auto positionals = parseFlags(kUsage, flags, arguments);
    if (out.once && !out.exec.empty()) throw CommandError("cannot specify -once flag with -exec");
    if (out.oneShot.snapshot && !out.once) throw CommandError("cannot specify -force-snapshot flag without -once");
    if (out.oneShot.retention && !out.once) throw CommandError("cannot specify -enforce-retention flag without -once");
    return positionals;
}

}  // namespace

void replicate(Arguments arguments) {
    ReplicateFlags flags;
    const auto positionals = readFlags(flags, arguments);
    config::Config config = readConfig(positionals, flags.config, flags.logLevel);
    if (!flags.exec.empty()) config.exec = flags.exec;
    if (flags.once) config.exec.clear();
    log::info("litestream", {{"version", app::version()}});
    app::runDaemon([&] { return app::prepare(std::move(config)); }, flags.run());
}

}  // namespace litestream::cli
