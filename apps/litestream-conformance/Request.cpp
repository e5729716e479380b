#include "litestream-conformance/Request.h"

#include "util/GoFlags.h"

#include <iostream>

namespace litestream::conformance {

namespace {

constexpr const char* kPurpose =
    R"(Puts a plugin through every clause of its contract, and measures its speed.

Usage:

	litestream-conformance [flags] --transport NAME [--option KEY=VALUE]...
	litestream-conformance [flags] --url URL [--option KEY=VALUE]...
	litestream-conformance [flags] --codec NAME
	litestream-conformance [flags] --source NAME

What it writes:

	transport  objects below litestream-conformance-<16 random hex digits>/ in the root that the options
	           name, at most 64 MiB at a time. It removes all of them, and says so when it could not. It
	           touches nothing else there. Directories that the store made for them may stay.
	codec      nothing.
	source     databases in a directory of its own below --directory, which goes away at the end.

Exit codes: 0 every clause is kept; 1 one is not; 2 wrong command line, or the plugin or its store cannot be used;
130 interrupted.
)";

/// Sets kind and name, once.
flags::Reader kindReader(Request& request, int& kinds, PluginKind kind) {
    return [&request, &kinds, kind](const std::string& value) {
        if (value.empty()) throw flags::FlagError("must not be empty");
        request.kind = kind;
        (kind == PluginKind::Transport && value.find(':') != std::string::npos ? request.url : request.name) = value;
        ++kinds;
    };
}

void readOption(Request& request, const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) throw flags::FlagError("wanted KEY=VALUE");
    request.options.emplace_back(text.substr(0, equals), text.substr(equals + 1));
}

void readJournalMode(Request& request, const std::string& text) {
    if (text != "wal" && text != "delete") throw flags::FlagError("wanted wal or delete");
    request.journalMode = text;
}

std::vector<flags::Flag> flagsFor(Request& request, int& kinds) {
    const auto path = [](std::filesystem::path& target) {
        return flags::Reader([&target](const std::string& value) { target = value; });
    };
    return {
        {"transport", kindReader(request, kinds, PluginKind::Transport), "NAME",
         "judge the transport plugin of this name"},
        {"url", kindReader(request, kinds, PluginKind::Transport), "URL",
         "judge the transport plugin that takes this replica URL, at its root"},
        {"codec", kindReader(request, kinds, PluginKind::Codec), "NAME", "judge the codec plugin of this name"},
        {"source", kindReader(request, kinds, PluginKind::Source), "NAME", "judge the source plugin of this name"},
        {"option", flags::Reader([&](const std::string& text) { readOption(request, text); }), "KEY=VALUE",
         "an option of the plugin; as often as needed"},
        {"plugin-path", path(request.pluginPath), "DIR",
         "where to look for plugins beside the usual places and LITESTREAM_PLUGIN_PATH"},
        {"filter", &request.filter, "PATTERN",
         "only clauses whose name matches: '*' stands for anything, ':' separates patterns"},
        {"list", &request.listOnly, "", "print the clauses, with the sentences that they hold a plugin to, and end"},
        {"json", &request.json, "", "print the report as JSON"},
        {"speed", &request.speed, "", "measure the speed; on unless --speed=false"},
        {"retry", &request.retry, "",
         "put core's retries around a transport, for a store that answers some requests with a failure that heals"},
        {"limit", &request.limit, "DURATION",
         "how long one clause may take before it counts as hanging; default 2m30s"},
        {"journal-mode", flags::Reader([&](const std::string& text) { readJournalMode(request, text); }), "MODE",
         "of the databases that a source follows, wal or delete; default is the one that it attaches to"},
        {"directory", path(request.directory), "DIR",
         "where the databases for a source are made; default is the directory for temporary files"},
    };
}

}  // namespace

Request parseRequest(std::span<const std::string> arguments) {
    Request request;
    int kinds = 0;
    const auto flags = flagsFor(request, kinds);
    try {
        if (const auto rest = flags::parse(flags, arguments); !rest.empty())
            throw UsageError("unexpected argument \"" + rest[0] + "\"");
    } catch (const flags::FlagError& error) {
        throw UsageError(error.what());
    } catch (const flags::HelpRequested&) {
        std::cout << kPurpose << "\nFlags:\n\n" << flags::describe(flags) << std::flush;
        throw;
    }
    if (kinds > 1) throw UsageError("one plugin at a time: give one of --transport, --url, --codec and --source");
    if (kinds == 0 && !request.listOnly)
        throw UsageError("nothing to judge: give one of --transport, --url, --codec and --source");
    return request;
}

}  // namespace litestream::conformance
