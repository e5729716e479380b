#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// Command-line flags with the grammar and the error texts of Go's flag package, which upstream's users and scripts know:
/// -name and --name are the same; a value follows behind '=' or as the next argument; a boolean takes one only behind '=';
/// parsing ends at the first argument that is no flag, or behind "--".
namespace litestream::flags {

/// A wrong command line. The message is Go's.
class FlagError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// -h, -help or --help was given.
struct HelpRequested {};

/// Reads one value. Throws FlagError with the reason alone when it does not like the text.
using Reader = std::function<void(const std::string& value)>;

/// Where a flag's value goes: the variable that holds the default.
using Target = std::variant<bool*, std::string*, std::int64_t*, std::chrono::nanoseconds*, Reader>;

/// One flag, declared as data: parsing and the usage screen come from it.
struct Flag {
    std::string name;
    Target target;
    std::string valueName;  ///< for the usage screen: "PATH"; empty for booleans
    std::string help;
};

/// Sets the targets of `flags` from `arguments` and returns the positional arguments. The last occurrence of a flag wins.
/// Throws FlagError or HelpRequested.
std::vector<std::string> parse(std::span<const Flag> flags, std::span<const std::string> arguments);

/// The flags for a usage screen, two lines each.
std::string describe(std::span<const Flag> flags);

/// Go's integer literals: decimal, 0x, 0o or a leading zero, 0b, and underscores between digits.
/// Throws FlagError "parse error" or "value out of range".
std::int64_t parseGoInteger(std::string_view text);

}  // namespace litestream::flags
