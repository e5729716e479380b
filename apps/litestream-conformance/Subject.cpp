#include "litestream-conformance/Subject.h"

#include "litestream-conformance/Child.h"
#include "litestream-conformance/suites/Subroot.h"
#include "litestream-conformance/suites/Trail.h"
#include "plugin/OptionCheck.h"
#include "transport/Compose.h"
#include "util/ShownUrl.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <random>
#include <system_error>

namespace litestream::conformance {

namespace fs = std::filesystem;

namespace {

std::string freshRoot() {
    std::random_device random;
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "litestream-conformance-%08x%08x", random(), random());
    return text.data();
}

const plugin::LoadedPlugin* findByUrl(const plugin::Registry& registry, const std::string& url) {
    std::string scheme = url.substr(0, url.find(':'));
    std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    for (const plugin::LoadedPlugin& plugin : registry.plugins()) {
        if (std::find(plugin.schemes.begin(), plugin.schemes.end(), scheme) != plugin.schemes.end()) return &plugin;
    }
    registry.parseUrl(url);  // says where was looked
    throw Error(ErrorCode::Unsupported, "no transport plugin takes " + shownUrl(url));
}

const plugin::LoadedPlugin* findPlugin(const plugin::Registry& registry, const Request& request) {
    if (!request.url.empty()) return findByUrl(registry, request.url);
    if (const auto* found = registry.find(*request.kind, request.name)) return found;
    // Whoever opens it hears where was looked and what was refused there.
    switch (*request.kind) {
        case PluginKind::Transport:
            registry.openBareTransport(request.name, {});
            break;
        case PluginKind::Codec:
            registry.openBareCodec(request.name, {});
            break;
        case PluginKind::Source:
            registry.openBareSource(request.name, {}, {});
            break;
    }
    throw Error(ErrorCode::Unsupported, "plugin " + request.name + ": not found");
}

std::string inOneLine(const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::string line;
    for (const auto& [name, value] : pairs) line += (line.empty() ? "" : " ") + name + "=" + value;
    return line;
}

/// Runs `action` in a child and rethrows its Error here; what else goes wrong there is left to the clauses.
std::vector<Record> tryIn(std::chrono::nanoseconds limit, const std::function<void(RecordWriter&)>& action) {
    const ChildResult result = inChild(limit, [&](RecordWriter& writer) {
        try {
            action(writer);
        } catch (const Error& error) {
            writer.send({"refused", std::to_string(static_cast<int>(error.code())), error.what()});
        }
    });
    for (const Record& record : result.records) {
        if (record[0] == "refused") throw Error(static_cast<ErrorCode>(std::stoi(record[1])), record[2]);
    }
    return result.records;
}

}  // namespace

Candidates& candidates() {
    static Candidates all;
    return all;
}

Subject::Subject(const Request& request)
    : request_(request),
      registry_(plugin::Registry::load(plugin::Registry::searchPath(request.pluginPath))),
      plugin_(findPlugin(*registry_, request)),
      root_(freshRoot()) {
    if (request.url.empty()) plugin::completeOptions(*plugin_, values());
}

OptionValues Subject::values() const {
    OptionValues values;
    if (!request_.url.empty()) values = registry_->parseUrl(request_.url).options;
    for (const auto& [name, text] : request_.options) {
        const auto option = std::find_if(plugin_->options.begin(), plugin_->options.end(),
                                         [&](const plugin::Option& known) { return known.name == name; });
        if (option == plugin_->options.end()) {
            values.set(name, text);  // refused when it is opened, with the name that was probably meant
        } else {
            plugin::setOption(values, *option, text);
        }
    }
    return values;
}

std::shared_ptr<Transport> Subject::openTransport() const {
    return witnessed("open", [&]() -> std::shared_ptr<Transport> {
        auto transport = registry_->openBareTransport(plugin_->name, values());
        if (transport == nullptr) throw Error(ErrorCode::Corrupt, "open gave no transport");
        if (request_.retry) return transport::compose(std::move(transport), {});
        return transport;
    });
}

TransportCandidate Subject::transport() const {
    return {plugin_->name, [this] { return openTransport(); }, root_};
}

CodecCandidate Subject::codec() const {
    return {plugin_->name, [this]() -> std::shared_ptr<const Codec> {
                auto codec = registry_->openBareCodec(plugin_->name, values());
                if (codec == nullptr) throw Error(ErrorCode::Corrupt, "open gave no codec");
                return codec;
            }};
}

SourceCandidate Subject::source() const {
    const auto open = [this](SourceContext context) {
        auto source = registry_->openBareSource(plugin_->name, std::move(context), values());
        if (source == nullptr) throw Error(ErrorCode::Corrupt, "open gave no source");
        return source;
    };
    const fs::path directory =
        request_.directory.empty() ? fs::temp_directory_path() : fs::absolute(request_.directory);
    return {plugin_->name, open, journalMode_, directory / root_};
}

/// The first journal mode in which the source attaches to a database and leaves it in that mode.
std::string Subject::findJournalMode() const {
    std::string reasons;
    for (const std::string mode : {"wal", "delete"}) {
        if (!request_.journalMode.empty() && request_.journalMode != mode) continue;
        const SourceCandidate candidate = source();
        fs::create_directories(candidate.directory);
        const fs::path database = candidate.directory / (mode + ".db");
        DatabaseClient client(database);
        createDatabase(client, mode);
        const auto source = candidate.open({database, [](Wake) {}});
        const Attachment found = source->attach(nullptr);
        source->detach();
        if (found.outcome == Attachment::Outcome::Detached) {
            reasons += ", " + mode + ": " + found.reason;
        } else if (const std::string now = client.must("PRAGMA journal_mode"); now != mode) {
            reasons += ", " + mode + ": the source switched it to " + now;
        } else {
            return mode;
        }
    }
    throw Error(ErrorCode::Unsupported, "attach to a database in journal mode " + reasons.substr(2));
}

std::string Subject::probe() {
    const auto records = tryIn(request_.limit, [&](RecordWriter& writer) {
        if (plugin_->kind == PluginKind::Codec) {
            codec().open();
        } else if (plugin_->kind == PluginKind::Source) {
            writer.send({"journal mode", findJournalMode()});
        } else if (plugin_->kind == PluginKind::Transport) {
            Subroot root(openTransport(), root_ + "/");
            writer.send({"described", inOneLine(root.describe())});
            MemoryBody body("a probe of litestream-conformance");
            root.put("probe", body, {}, CallContext::within(request_.limit));
            removeAll(root);
        }
    });
    for (const Record& record : records) {
        if (record[0] == "described") return record[1];
        if (record[0] == "journal mode") {
            journalMode_ = record[1];
            return "databases in journal mode " + record[1];
        }
    }
    if (plugin_->kind == PluginKind::Source) journalMode_ = request_.journalMode.empty() ? "wal" : request_.journalMode;
    return {};
}

std::string Subject::tidyUp() const {
    if (plugin_->kind == PluginKind::Source) {
        std::error_code failure;
        fs::remove_all(source().directory, failure);
        return failure ? source().directory.string() + " cannot be removed: " + failure.message() : std::string();
    }
    if (plugin_->kind != PluginKind::Transport) return {};
    const std::string what = "objects below " + root_ + "/ may be left behind";
    try {
        const auto records = tryIn(request_.limit, [&](RecordWriter& writer) {
            Subroot root(openTransport(), root_ + "/");
            writer.send({"left", std::to_string(removeAll(root))});
        });
        for (const Record& record : records) {
            if (record == Record{"left", "0"}) return {};
            if (record[0] == "left") return record[1] + " objects are left behind below " + root_ + "/";
        }
        return what;
    } catch (const Error& error) {
        return what + ": " + error.what();
    }
}

}  // namespace litestream::conformance
