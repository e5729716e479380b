#pragma once

#include <litestream/Export.h>
#include <litestream/Secret.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace litestream {

/// How an option's text is read. The values are part of the C descriptor: never renumber.
enum class OptionType : std::uint32_t {
    String = 0,
    Boolean = 1,   ///< true, false (and YAML 1.1's other spellings)
    Integer = 2,   ///< 64-bit signed, decimal
    Duration = 3,  ///< Go's syntax: 1h30m, 1.5s, 200ms
    Size = 4,      ///< bytes with an optional unit: 8MiB, 5MB
    Path = 5,      ///< made absolute against the working directory, a leading ~/ is the home directory
    Secret = 6,    ///< a string that no log line, error text or listing may show
};

/// One option that a plugin takes. Configuration, `litestream plugins` and error messages all come from this table.
/// A plain C struct, because it is part of the descriptor. All strings are UTF-8, never null, and live as
/// long as the plugin is loaded.
struct OptionSpec {
    const char* name;          ///< lower case with hyphens, as written in a configuration file
    OptionType type;
    const char* defaultValue;  ///< as text of the same type; "" = no default
    const char* help;          ///< one line, lower case, no full stop, the unit if any
    bool required;
};

/// The values that one instance of a plugin gets: each one is declared by its plugin and has the declared type; defaults are
/// filled in. Core sees to that before a plugin is asked for anything.
class LITESTREAM_SDK OptionValues {
public:
    void set(std::string name, std::string value);
    void set(std::string name, Secret value);
    bool has(std::string_view name) const;

    /// Each getter throws Error(InvalidArgument), naming the option, when it is absent or does not have the type.
    std::string text(std::string_view name) const;
    bool boolean(std::string_view name) const;
    std::int64_t integer(std::string_view name) const;
    std::chrono::nanoseconds duration(std::string_view name) const;
    std::uint64_t bytes(std::string_view name) const;
    /// The only getter for options of type Secret, and for nothing else.
    Secret secret(std::string_view name) const;

    /// The text, or `fallback` when absent.
    std::string textOr(std::string_view name, std::string_view fallback) const;

    /// What may be shown.
    const std::map<std::string, std::string, std::less<>>& texts() const noexcept { return texts_; }
    const std::map<std::string, Secret, std::less<>>& secrets() const noexcept { return secrets_; }

private:
    std::map<std::string, std::string, std::less<>> texts_;
    std::map<std::string, Secret, std::less<>> secrets_;
};

/// The one reading of each type, shared by configuration files, command lines and plugins. They throw
/// Error(InvalidArgument) whose text says what was found and what is accepted.
LITESTREAM_SDK bool parseBoolean(std::string_view text);
LITESTREAM_SDK std::int64_t parseInteger(std::string_view text);
LITESTREAM_SDK std::chrono::nanoseconds parseDuration(std::string_view text);
LITESTREAM_SDK std::uint64_t parseSize(std::string_view text);

}  // namespace litestream
