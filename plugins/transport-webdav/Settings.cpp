#include "Settings.h"

#include "http/Encode.h"

#include <litestream/Error.h>

#include <Poco/Exception.h>
#include <Poco/String.h>
#include <Poco/URI.h>

#include <filesystem>

namespace litestream::webdav {

namespace {

[[noreturn]] void refuse(const std::string& text) {
    throw Error(ErrorCode::InvalidArgument, text);
}

void dropTrailingSlashes(std::string& path) {
    while (path.ends_with('/')) path.pop_back();
}

/// "a//b/../c/" becomes "/a/c", "" and "/" become "".
std::string normalized(const std::string& path) {
    std::string clean = std::filesystem::path("/" + path).lexically_normal().string();
    clean.erase(0, std::min(clean.find_first_not_of('/'), clean.size()));
    dropTrailingSlashes(clean);
    return clean.empty() ? "" : "/" + clean;
}

std::string decoded(const std::string& text) {
    std::string plain;
    Poco::URI::decode(text, plain);
    return plain;
}

/// Where the folder of `webdav-url` is: its origin, and its path as the URL has it.
void readServer(const std::string& text, Settings& settings) {
    // Before anything that shows the text.
    if (text.find('@') != std::string::npos)
        refuse("webdav-url holds user information. Give it as webdav-username and webdav-password");
    const std::string name = "webdav-url \"" + text + "\": ";
    try {
        const Poco::URI url(text);
        if (url.getScheme() != "http" && url.getScheme() != "https") refuse(name + "wanted http:// or https://");
        if (url.getHost().empty()) refuse(name + "has no host");
        if (!url.getRawQuery().empty() || !url.getFragment().empty())
            refuse(name + "must not have a query or fragment");
        settings.origin = {url.getScheme() == "https", Poco::toLower(url.getHost()), url.getPort()};
        settings.root = http::percentEncode(normalized(url.getPath()), true);
    } catch (const Poco::Exception&) {
        refuse(name + "is no URL");
    }
}

}  // namespace

Settings settingsFrom(const OptionValues& options) {
    Settings settings;
    if (options.textOr("webdav-url", "").empty()) refuse("webdav-url required for webdav replica");
    readServer(options.text("webdav-url"), settings);
    settings.path = options.textOr("path", "");
    settings.root += http::percentEncode(normalized(settings.path), true);
    settings.tls.verify = !(options.has("skip-verify") && options.boolean("skip-verify"));
    settings.username = options.textOr("webdav-username", "");
    if (options.has("webdav-password")) settings.password = options.secret("webdav-password");
    if (settings.username.empty() && !settings.password.empty())
        refuse("webdav-password is given without webdav-username");
    if (settings.username.find(':') != std::string::npos) refuse("webdav-username must not have a colon");
    return settings;
}

OptionValues optionsOfUrl(std::string_view url, std::vector<std::string>& unknown) {
    OptionValues options;
    const std::size_t colon = url.find(':');
    const bool tls = Poco::toLower(std::string(url.substr(0, colon))) == "webdavs";
    try {
        const Poco::URI parsed((tls ? "https" : "http") + std::string(url.substr(colon)));
        if (parsed.getHost().empty()) refuse("webdav-url required for webdav replica");
        Poco::URI server;
        server.setScheme(parsed.getScheme());
        server.setHost(parsed.getHost());
        server.setPort(parsed.getPort());
        options.set("webdav-url", server.toString());
        options.set("path", normalized(parsed.getPath()));
        const std::string user = parsed.getUserInfo();
        const std::size_t end = user.find(':');
        if (!user.empty()) options.set("webdav-username", decoded(user.substr(0, end)));
        if (end != std::string::npos) options.set("webdav-password", Secret(decoded(user.substr(end + 1))));
        for (const auto& [name, value] : parsed.getQueryParameters()) {
            name == "skip-verify" ? options.set(name, value) : unknown.push_back(name);
        }
    } catch (const Poco::Exception&) {
        // It may hold a password.
        refuse(
            "replica url is no webdav://[USER[:PASSWORD]@]HOST[:PORT]/PATH. Write reserved characters of the password "
            "as %XX");
    }
    return options;
}

}  // namespace litestream::webdav
