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

void checkType(OptionType type, const std::string& value) {
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

/// What was given or, without that, the default.
std::string textOf(const OptionValues& given, const Option& option) {
    if (given.secrets().contains(option.name)) return given.secret(option.name).reveal();
    return given.textOr(option.name, option.defaultValue);
}

}  // namespace

void setOption(OptionValues& values, const Option& option, const std::string& text) {
    checkType(option.type, text);
    if (option.type == OptionType::Secret) {
        values.set(option.name, Secret(text));
    } else {
        values.set(option.name, option.type == OptionType::Path && !text.empty() ? expandPath(text).string() : text);
    }
}

OptionValues completeOptions(const LoadedPlugin& plugin, const OptionValues& given) {
    const auto refuseUnknown = [&](const auto& values) {
        for (const auto& [name, value] : values) {
            const auto known = [&, &wanted = name](const Option& option) { return option.name == wanted; };
            if (std::none_of(plugin.options.begin(), plugin.options.end(), known)) {
                throw Error(ErrorCode::InvalidArgument, unknownOption(plugin, name));
            }
        }
    };
    refuseUnknown(given.texts());
    refuseUnknown(given.secrets());
    OptionValues complete;
    for (const Option& option : plugin.options) {
        const std::string value = textOf(given, option);
        if (value.empty()) {
            if (option.required) {
                throw Error(ErrorCode::InvalidArgument,
                            describe(plugin) + " needs the option \"" + option.name + "\": " + option.help);
            }
            if (!given.has(option.name)) continue;
        }
        try {
            setOption(complete, option, value);
        } catch (const Error& error) {
            throw error.within(describe(plugin) + ", option \"" + option.name + "\"");
        }
    }
    return complete;
}

}  // namespace litestream::plugin
