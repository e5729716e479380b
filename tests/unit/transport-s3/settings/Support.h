#pragma once

#include "base/Wire.h"
#include "http/Environment.h"
#include "support/ErrorOf.h"

#include <litestream/Options.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace litestream::s3 {

/// A variable set to "" is set, one that is missing is not.
inline Environment environmentOf(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](const char* name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
}

inline OptionValues optionsOf(const std::map<std::string, std::string>& texts) {
    OptionValues options;
    for (const auto& [name, text] : texts) options.set(name, text);
    return options;
}

using litestream::test::errorOf;

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace litestream::s3
