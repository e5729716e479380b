#include "Profiles.h"

#include "../base/TextFile.h"

#include <litestream/Error.h>

#include <sys/stat.h>

namespace litestream::s3 {

namespace {

std::string pathOf(const Environment& environment, const char* variable, const char* name) {
    const std::string home = firstOf(environment, {"HOME"});
    std::string path = firstOf(environment, {variable});
    if (path.empty()) return home.empty() ? std::string() : home + "/.aws/" + name;
    if (path.starts_with("~/") && !home.empty()) path.replace(0, 1, home);
    return path;
}

std::string credentialsPath(const Environment& environment) {
    return pathOf(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
}

std::string configPath(const Environment& environment) {
    return pathOf(environment, "AWS_CONFIG_FILE", "config");
}

IniSections readFile(const std::string& path, const char* what) {
    if (path.empty()) return {};
    try {
        return readIni(readSecretFile(path, what).reveal());
    } catch (const Error& error) {
        if (error.code() == ErrorCode::NotFound) return {};
        throw;
    }
}

std::string stampOfFile(const std::string& path) {
    struct stat status {};
    if (path.empty() || ::stat(path.c_str(), &status) != 0) return "-";
    return std::to_string(status.st_ino) + ":" + std::to_string(status.st_size) + ":" +
           std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec);
}

}  // namespace

Profiles::Profiles(const Environment& environment)
    : files_(credentialsPath(environment) + " and " + configPath(environment)) {
    constexpr std::string_view kPrefix = "profile ";
    for (auto& [section, settings] : readFile(configPath(environment), "aws config file")) {
        // The default profile has the word or not.
        if (section.starts_with(kPrefix)) {
            profiles_[std::string(trimmed(std::string_view(section).substr(kPrefix.size())))] = settings;
        } else if (section == "default") {
            profiles_.try_emplace(section, settings);
        }
    }
    for (auto& [name, settings] : readFile(credentialsPath(environment), "aws credentials file")) {
        Profile& profile = profiles_[name];
        for (const auto& [key, value] : settings) profile.insert_or_assign(key, value);
    }
}

const Profile* Profiles::find(const std::string& name) const {
    const auto found = profiles_.find(name);
    return found == profiles_.end() ? nullptr : &found->second;
}

std::string Profiles::stampOf(const Environment& environment) {
    return stampOfFile(credentialsPath(environment)) + " " + stampOfFile(configPath(environment));
}

}  // namespace litestream::s3
