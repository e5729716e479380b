#pragma once

#include <litestream/Plugin.h>

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

/// The program's log, in upstream's words and formats (text, json), written by spdlog. Thread-safe.
///
///     log::info("replicating to", {{"type", "file"}, {"sync-interval", "1s"}});
///     time=2026-01-02T03:04:05.678Z level=INFO msg="replicating to" type=file sync-interval=1s
namespace litestream::log {

/// One attribute of a line. Text is quoted where the format needs it; numbers stay numbers in JSON, and durations are
/// "1.5s" in text and nanoseconds in JSON.
struct Attribute {
    std::string_view key;
    std::variant<std::string, std::int64_t, std::uint64_t, double, bool, std::chrono::nanoseconds> value;

    Attribute(std::string_view k, std::string_view v) : key(k), value(std::string(v)) {}
    Attribute(std::string_view k, const std::string& v) : key(k), value(v) {}
    Attribute(std::string_view k, const char* v) : key(k), value(std::string(v)) {}
    Attribute(std::string_view k, bool v) : key(k), value(v) {}
    Attribute(std::string_view k, double v) : key(k), value(v) {}
    template <class Rep, class Period>
    Attribute(std::string_view k, std::chrono::duration<Rep, Period> v)
        : key(k), value(std::chrono::duration_cast<std::chrono::nanoseconds>(v)) {}
    template <class Integer>
        requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>)
    Attribute(std::string_view k, Integer v) : key(k) {
        if constexpr (std::is_signed_v<Integer>) {
            value = static_cast<std::int64_t>(v);
        } else {
            value = static_cast<std::uint64_t>(v);
        }
    }
};

using Attributes = std::initializer_list<Attribute>;

enum class Level { Trace, Debug, Info, Warn, Error };
enum class Format { Text, Json };

struct Settings {
    Level level = Level::Info;
    Format format = Format::Text;
    bool toStderr = false;
};

/// Until this is called, lines go to stdout as text at level info.
void configure(const Settings& settings);
bool enabled(Level level) noexcept;
void write(Level level, std::string_view message, Attributes attributes);
/// The same for attributes that are collected at run time.
void write(Level level, std::string_view message, const Attribute* attributes, std::size_t count);

inline void debug(std::string_view message, Attributes attributes = {}) { write(Level::Debug, message, attributes); }
inline void info(std::string_view message, Attributes attributes = {}) { write(Level::Info, message, attributes); }
inline void warn(std::string_view message, Attributes attributes = {}) { write(Level::Warn, message, attributes); }
inline void error(std::string_view message, Attributes attributes = {}) { write(Level::Error, message, attributes); }

}  // namespace litestream::log
