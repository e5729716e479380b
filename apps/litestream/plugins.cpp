#include "litestream/Command.h"
#include "plugin/Registry.h"
#include "util/Json.h"
#include "util/Paths.h"
#include "util/Table.h"

#include <filesystem>
#include <iostream>

namespace litestream::cli {
namespace {

const char* typeName(OptionType type) {
    switch (type) {
        case OptionType::String:
            return "string";
        case OptionType::Boolean:
            return "boolean";
        case OptionType::Integer:
            return "integer";
        case OptionType::Duration:
            return "duration";
        case OptionType::Size:
            return "size";
        case OptionType::Path:
            return "path";
        case OptionType::Secret:
            return "secret";
    }
    return "unknown";
}

std::string optionNames(const plugin::LoadedPlugin& plugin) {
    std::string names;
    for (const plugin::Option& option : plugin.options) names += (names.empty() ? "" : ",") + option.name;
    return names.empty() ? "-" : names;
}

Json describe(const plugin::LoadedPlugin& plugin) {
    Json options = Json::array();
    for (const plugin::Option& option : plugin.options) {
        options.add(Json::object({{"name", option.name},
                                  {"type", typeName(option.type)},
                                  {"default", option.defaultValue},
                                  {"required", option.required},
                                  {"help", option.help}}));
    }
    Json schemes = Json::array();
    for (const std::string& scheme : plugin.schemes) schemes.add(scheme);
    return Json::object({{"kind", std::string(plugin::kindName(plugin.kind))},
                         {"name", plugin.name},
                         {"version", plugin.version},
                         {"summary", plugin.summary},
                         {"file", plugin.file.string()},
                         {"schemes", std::move(schemes)},
                         {"options", std::move(options)}});
}

void printJson(const plugin::Registry& registry) {
    Json loaded = Json::array();
    for (const plugin::LoadedPlugin& plugin : registry.plugins()) loaded.add(describe(plugin));
    Json refused = Json::array();
    for (const plugin::RefusedFile& file : registry.refused()) {
        refused.add(Json::object({{"file", file.file.string()}, {"reason", file.reason}}));
    }
    std::cout << Json::object({{"plugins", std::move(loaded)}, {"refused", std::move(refused)}}).text();
}

void printTables(const plugin::Registry& registry) {
    Table table({"kind", "name", "version", "file", "options"});
    for (const plugin::LoadedPlugin& plugin : registry.plugins()) {
        table.add({std::string(plugin::kindName(plugin.kind)), plugin.name, plugin.version, plugin.file.string(), optionNames(plugin)});
    }
    table.print(std::cout);
    if (registry.refused().empty()) return;
    std::cout << "\nRefused:\n";
    for (const plugin::RefusedFile& file : registry.refused()) {
        std::cout << "  " << file.file.string() << ": " << file.reason << "\n";
    }
}

/// The configured plugin directory. This verb works without a configuration, but one that is named must exist.
std::filesystem::path configuredDirectory(const ConfigFlags& config) {
    if (config.file.empty() && !std::filesystem::exists(config::defaultFile())) return {};
    return loadConfig(config, {.toStderr = true}).pluginPath;
}

}  // namespace

void plugins(Arguments arguments) {
    ConfigFlags config;
    bool json = false;
    const auto flags = config.with({{"json", &json, "", "print JSON, with types and defaults of all options"}});
    requireNoMore(parseFlags({"Lists the plugins that were found, and the files that were refused.",
                              {"litestream plugins [flags]"}},
                             flags, arguments),
                  0);
    const auto registry = plugin::Registry::load(plugin::Registry::searchPath(configuredDirectory(config)));
    if (json) {
        printJson(*registry);
    } else {
        printTables(*registry);
    }
}

}  // namespace litestream::cli
