#include "plugin/OptionCheck.h"

#include "plugin/Module.h"
#include "util/NearestName.h"
#include "util/Paths.h"

#include <algorithm>

namespace litestream::plugin {

namespace {

std::string unknownOption(const LoadedPlugin& plugin, const std::string& name) {
    std::string text = describe(plugin) + " has no option \"" + name + "\"";
    if (plugin.options.empty()) return text + ": it takes none";
    std::vector<std::string> names;
    for (const Option& option : plugin.options) names.push_back(option.name);
    const std::string nearest = nearestName(name, names);
    if (!nearest.empty()) return text + ". Did you mean \"" + nearest + "\"?";
    text += ". It takes";
    for (std::size_t i = 0; i < names.size(); ++i) text += (i == 0 ? " " : ", ") + names[i];
    return text;
}

}  // namespace

void checkOptionType(OptionType type, const std::string& value) {
    switch (type) {
        case OptionType::Boolean:
            parseBoolean(value);
            break;
        case OptionType::Integer:
            parseInteger(value);
            break;
        case OptionType::Duration:
            parseDuration(value);
            break;
        case OptionType::Size:
            parseSize(value);
            break;
        case OptionType::String:
        case OptionType::Path:
        case OptionType::Secret:
            break;
    }
}

OptionValues completeOptions(const LoadedPlugin& plugin, const OptionValues& given) {
    for (const auto& [name, value] : given.all()) {
        const auto known = [&](const Option& option) { return option.name == name; };
        if (std::none_of(plugin.options.begin(), plugin.options.end(), known)) {
            throw Error(ErrorCode::InvalidArgument, unknownOption(plugin, name));
        }
    }
    OptionValues complete;
    for (const Option& option : plugin.options) {
        std::string value = given.textOr(option.name, option.defaultValue);
        if (value.empty()) {
            if (option.required) {
                throw Error(ErrorCode::InvalidArgument,
                            describe(plugin) + " needs the option \"" + option.name + "\": " + option.help);
            }
            if (!given.has(option.name)) continue;
        }
        try {
            checkOptionType(option.type, value);
            if (option.type == OptionType::Path && !value.empty()) value = expandPath(value).string();
        } catch (const Error& error) {
            throw error.within(describe(plugin) + ", option \"" + option.name + "\"");
        }
        complete.set(option.name, std::move(value));
    }
    return complete;
}

}  // namespace litestream::plugin
