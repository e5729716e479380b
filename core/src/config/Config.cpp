#include "config/Config.h"

#include "config/IniReader.h"
#include "config/YamlReader.h"
#include "util/NearestName.h"
#include "util/Paths.h"

#include <Poco/String.h>
#include <cstdlib>
#include <fstream>
#include <sstream>

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

namespace {

bool isIni(const std::filesystem::path& file, const std::string& text) {
    const std::string extension = Poco::toLower(file.extension().string());
    if (extension == ".ini") return true;
    if (extension == ".yml" || extension == ".yaml") return false;
    std::istringstream lines(text);
    std::string line;
    while (std::getline(lines, line)) {
        Poco::trimInPlace(line);
        if (!line.empty() && line[0] != '#' && line[0] != ';') return line[0] == '[';
    }
    return false;
}

}  // namespace

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

std::filesystem::path defaultFile(const std::filesystem::path& system) {
    if (const char* configured = std::getenv("LITESTREAM_CONFIG"); configured != nullptr && *configured != '\0') {
        return expandPath(configured);
    }
    const std::filesystem::path yaml = system / "litestream.yml";
    const std::filesystem::path ini = system / "litestream.ini";
    return !std::filesystem::exists(yaml) && std::filesystem::exists(ini) ? ini : yaml;
}

Config readFile(const std::filesystem::path& file, const ReadOptions& options) {
    if (!std::filesystem::exists(file)) throw Error(ErrorCode::NotFound, "config file not found: " + file.string());
    // A directory opens like a file.
    if (std::filesystem::is_directory(file)) throw systemError("read config file " + file.string(), EISDIR);
    std::ifstream stream(file);
    if (!stream) throw systemError("read config file " + file.string(), errno);
    std::ostringstream content;
    content << stream.rdbuf();
    if (stream.bad() || content.bad())
        throw Error(ErrorCode::InvalidArgument, "read config file " + file.string() + ": it is no readable file");
    std::string text = std::move(content).str();
    if (!isIni(file, text)) return readYaml(text, file.string(), options);
    std::istringstream lines(std::move(text));
    return readIni(lines, file.string());
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
