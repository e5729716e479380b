#include "config/ExpandEnv.h"

#include <unistd.h>
#include <algorithm>
#include <cstdlib>

namespace litestream::config {
namespace {

bool isWord(char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Shell's special variables have one character.
bool isSpecial(char c) {
    return std::string_view("*#$@!?-0123456789").find(c) != std::string_view::npos;
}

std::string valueOf(const std::string& name) {
    if (name == "PID") return std::to_string(::getpid());
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? "" : value;
}

/// What stands behind a '$': how many characters it takes, and the variable's name.
struct Reference {
    std::size_t length = 0;  ///< 0 = the '$' is just that
    std::string name;
};

Reference readReference(std::string_view rest) {
    if (rest.empty()) return {};
    if (rest[0] == '{') {
        const std::size_t close = rest.find('}');
        if (close == std::string_view::npos) return {1, {}};
        return {close + 1, std::string(rest.substr(1, close - 1))};
    }
    if (isSpecial(rest[0])) return {1, std::string(rest.substr(0, 1))};
    const auto end = std::find_if_not(rest.begin(), rest.end(), isWord);
    const auto length = static_cast<std::size_t>(end - rest.begin());
    return {length, std::string(rest.substr(0, length))};
}

}  // namespace

std::string expandEnv(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (true) {
        const std::size_t dollar = text.find('$');
        out += text.substr(0, dollar);
        if (dollar == std::string_view::npos) return out;
        text.remove_prefix(dollar + 1);
        const Reference reference = readReference(text);
        if (reference.length == 0) out += '$';
        if (!reference.name.empty()) out += valueOf(reference.name);
        text.remove_prefix(reference.length);
    }
}

}  // namespace litestream::config
