#include "config/Config.h"

#include "config/IniReader.h"
#include "util/NearestName.h"
#include "util/Paths.h"

#include <Poco/String.h>
#include <cstdlib>

namespace litestream::config {

std::string Place::prefix() const {
    return file.empty() ? "" : file + ":" + std::to_string(line) + ": ";
}

void fail(const Place& place, const std::string& message) {
    throw Error(ErrorCode::InvalidArgument, place.prefix() + message);
}

std::string didYouMean(std::string_view written, std::span<const std::string> known) {
    const std::string nearest = nearestName(written, known);
    return nearest.empty() ? "" : ". Did you mean \"" + nearest + "\"?";
}

Replica replicaFromUrl(std::string_view url) {
    Replica replica;
    replica.url = url;
    return replica;
}

Config fromArguments(std::string_view database, std::span<const std::string> urls) {
    Database entry;
    entry.path = expandPath(database);
    for (const std::string& url : urls) entry.replicas.push_back(replicaFromUrl(url));
    Config config;
    config.databases.push_back(std::move(entry));
    return config;
}

std::filesystem::path defaultFile() {
    const char* configured = std::getenv("LITESTREAM_CONFIG");
    return expandPath(configured != nullptr && *configured != '\0' ? configured : "/etc/litestream.ini");
}

Config readFile(const std::filesystem::path& file) {
    if (!std::filesystem::exists(file)) throw Error(ErrorCode::NotFound, "config file not found: " + file.string());
    return readIni(file);
}

std::optional<log::Level> parseLevel(std::string_view name) {
    const std::string lower = Poco::toLower(std::string(name));
    if (lower == "trace") return log::Level::Trace;
    if (lower == "debug") return log::Level::Debug;
    if (lower == "info") return log::Level::Info;
    if (lower == "warn" || lower == "warning") return log::Level::Warn;
    if (lower == "error") return log::Level::Error;
    return std::nullopt;
}

}  // namespace litestream::config
