#include "util/GoFlags.h"

#include "util/Escape.h"

#include <litestream/Error.h>
#include <litestream/Options.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <optional>

namespace litestream::flags {
namespace {

constexpr const char* kParseError = "parse error";
constexpr const char* kOutOfRange = "value out of range";

/// One argument taken apart.
struct Written {
    std::string name;
    std::optional<std::string> value;  ///< the text behind '='
};

Written takeApart(const std::string& argument) {
    const std::string body = argument.substr(argument.starts_with("--") ? 2 : 1);
    if (body.empty() || body[0] == '-' || body[0] == '=') throw FlagError("bad flag syntax: " + argument);
    const std::size_t equals = body.find('=');
    if (equals == std::string::npos) return {body, std::nullopt};
    return {body.substr(0, equals), body.substr(equals + 1)};
}

std::optional<bool> goBoolean(std::string_view text) {
    static constexpr std::array<std::string_view, 6> kTrue{"1", "t", "T", "true", "TRUE", "True"};
    static constexpr std::array<std::string_view, 6> kFalse{"0", "f", "F", "false", "FALSE", "False"};
    if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) return true;
    if (std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) return false;
    return std::nullopt;
}

std::chrono::nanoseconds goDuration(const std::string& text) {
    try {
        return parseDuration(text);
    } catch (const Error&) {
        throw FlagError(kParseError);
    }
}

/// Stores a value in its target; FlagError carries the reason alone.
struct Store {
    const std::string& text;

    void operator()(bool*) const {}  // has its own grammar and error text: setBoolean
    void operator()(std::string* target) const { *target = text; }
    void operator()(std::int64_t* target) const { *target = parseGoInteger(text); }
    void operator()(std::chrono::nanoseconds* target) const { *target = goDuration(text); }
    void operator()(const Reader& reader) const { reader(text); }
};

void setBoolean(bool& target, const Written& flag) {
    const std::string text = flag.value.value_or("true");
    const auto value = goBoolean(text);
    if (!value) throw FlagError("invalid boolean value " + goQuoted(text) + " for -" + flag.name + ": parse error");
    target = *value;
}

void setValue(const Target& target, const std::string& name, const std::string& text) {
    try {
        std::visit(Store{text}, target);
    } catch (const FlagError& error) {
        throw FlagError("invalid value " + goQuoted(text) + " for flag -" + name + ": " + error.what());
    }
}

const Flag& findFlag(std::span<const Flag> flags, const std::string& name) {
    const auto found = std::find_if(flags.begin(), flags.end(), [&](const Flag& flag) { return flag.name == name; });
    if (found != flags.end()) return *found;
    if (name == "help" || name == "h") throw HelpRequested{};
    throw FlagError("flag provided but not defined: -" + name);
}

/// The base that a literal's prefix stands for; the prefix is taken off.
unsigned takeBase(std::string_view& digits) {
    if (digits.size() < 2 || digits[0] != '0') return 10;
    unsigned base = 8;
    std::size_t prefix = 2;
    switch (std::tolower(static_cast<unsigned char>(digits[1]))) {
        case 'x':
            base = 16;
            break;
        case 'b':
            base = 2;
            break;
        case 'o':
            break;
        default:
            prefix = 1;
    }
    digits.remove_prefix(prefix);
    return base;
}

/// Underscores stand between digits, or between a base's prefix and the first digit; never twice, never at the end.
bool underscoresAreGood(std::string_view digits, bool afterPrefix) {
    char previous = afterPrefix ? '0' : '_';
    for (const char c : digits) {
        if (c == '_' && previous == '_') return false;
        previous = c;
    }
    return previous != '_';
}

unsigned digitValue(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'z') return static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A') + 10;
    return std::numeric_limits<unsigned>::max();
}

std::uint64_t magnitude(std::string_view digits, unsigned base) {
    std::uint64_t value = 0;
    bool overflow = false;
    for (const char c : digits) {
        if (c == '_') continue;
        const unsigned digit = digitValue(c);
        if (digit >= base) throw FlagError(kParseError);
        overflow = overflow || value > (std::numeric_limits<std::uint64_t>::max() - digit) / base;
        value = value * base + digit;
    }
    if (overflow) throw FlagError(kOutOfRange);
    return value;
}

}  // namespace

std::int64_t parseGoInteger(std::string_view text) {
    std::string_view digits = text;
    const bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) digits.remove_prefix(1);
    const std::size_t before = digits.size();
    const unsigned base = takeBase(digits);
    const bool prefixed = digits.size() != before;
    if (digits.empty() || !underscoresAreGood(digits, prefixed)) throw FlagError(kParseError);

    const std::uint64_t value = magnitude(digits, base);
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (value > kMax + (negative ? 1 : 0)) throw FlagError(kOutOfRange);
    return static_cast<std::int64_t>(negative ? 0 - value : value);
}

std::vector<std::string> parse(std::span<const Flag> flags, std::span<const std::string> arguments) {
    std::size_t next = 0;
    while (next < arguments.size()) {
        const std::string& argument = arguments[next];
        if (argument.size() < 2 || argument[0] != '-') break;
        ++next;
        if (argument == "--") break;

        const Written written = takeApart(argument);
        const Flag& flag = findFlag(flags, written.name);
        if (bool* const* boolean = std::get_if<bool*>(&flag.target)) {
            setBoolean(**boolean, written);
        } else if (written.value) {
            setValue(flag.target, written.name, *written.value);
        } else if (next < arguments.size()) {
            setValue(flag.target, written.name, arguments[next++]);
        } else {
            throw FlagError("flag needs an argument: -" + written.name);
        }
    }
    return {arguments.begin() + static_cast<std::ptrdiff_t>(next), arguments.end()};
}

std::string describe(std::span<const Flag> flags) {
    std::string out;
    for (const Flag& flag : flags) {
        out += "\t-" + flag.name;
        if (!flag.valueName.empty()) out += " " + flag.valueName;
        out += "\n\t    " + flag.help + "\n";
    }
    return out;
}

}  // namespace litestream::flags
