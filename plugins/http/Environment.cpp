#include "Environment.h"

#include <cstdlib>

namespace litestream::http {

Environment processEnvironment() {
    return [](const char* name) -> std::optional<std::string> {
        const char* value = std::getenv(name);
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
}

std::string firstOf(const Environment& environment, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (const auto value = environment(name); value && !value->empty()) return *value;
    }
    return {};
}

}  // namespace litestream::http
