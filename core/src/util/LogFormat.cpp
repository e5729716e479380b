#include "util/LogFormat.h"

#include "util/Escape.h"
#include "util/Units.h"

#include <spdlog/fmt/fmt.h>
#include <array>

namespace litestream::log {
namespace {

using std::chrono::nanoseconds;

std::string_view levelName(Level level) {
    static constexpr std::array<std::string_view, 5> kNames{"TRACE", "DEBUG", "INFO", "WARN", "ERROR"};
    return kNames.at(static_cast<std::size_t>(level));
}

std::string zoneText(std::chrono::seconds offset) {
    if (offset.count() == 0) return "Z";
    const auto minutes = std::abs(offset.count()) / 60;
    return fmt::format("{}{:02}:{:02}", offset.count() < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

/// RFC 3339; text lines have milliseconds, JSON nanoseconds without trailing zeros.
std::string timeText(Format format, std::chrono::system_clock::time_point time, std::chrono::seconds zoneOffset) {
    using namespace std::chrono;
    const auto local = time_point_cast<nanoseconds>(time) + zoneOffset;
    const auto day = floor<days>(local);
    const year_month_day date{day};
    const hh_mm_ss clock{local - day};
    const auto fraction = static_cast<std::uint64_t>(clock.subseconds().count());

    std::string out = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
    if (format == Format::Text) {
        out += fmt::format(".{:03}", fraction / 1'000'000);
    } else if (fraction != 0) {
        out += fmt::format(".{:09}", fraction);
        out.erase(out.find_last_not_of('0') + 1);
    }
    return out + zoneText(zoneOffset);
}

void appendText(std::string& out, std::string_view text) {
    if (needsQuoting(text)) {
        appendGoQuoted(out, text);
    } else {
        out += text;
    }
}

/// Appends the value of one attribute in one format.
struct ValueWriter {
    std::string& out;
    Format format;

    void operator()(const std::string& value) const {
        if (format == Format::Text) {
            appendText(out, value);
        } else {
            appendJsonString(out, value, JsonEscape::Plain);
        }
    }
    void operator()(bool value) const { out += value ? "true" : "false"; }
    void operator()(std::int64_t value) const { out += std::to_string(value); }
    void operator()(std::uint64_t value) const { out += std::to_string(value); }
    void operator()(double value) const { out += fmt::format("{}", value); }
    void operator()(nanoseconds value) const {
        out += format == Format::Text ? formatDuration(value) : std::to_string(value.count());
    }
};

std::string textLine(const std::string& time, Level level, std::string_view message, const Attribute* attributes,
                     std::size_t count) {
    std::string out = "time=" + time;
    out += " level=";
    out += levelName(level);
    out += " msg=";
    appendText(out, message);
    for (std::size_t i = 0; i < count; ++i) {
        out += ' ';
        appendText(out, attributes[i].key);
        out += '=';
        std::visit(ValueWriter{out, Format::Text}, attributes[i].value);
    }
    return out;
}

std::string jsonLine(const std::string& time, Level level, std::string_view message, const Attribute* attributes,
                     std::size_t count) {
    std::string out = R"({"time":")" + time;
    out += R"(","level":")";
    out += levelName(level);
    out += R"(","msg":)";
    appendJsonString(out, message, JsonEscape::Plain);
    for (std::size_t i = 0; i < count; ++i) {
        out += ',';
        appendJsonString(out, attributes[i].key, JsonEscape::Plain);
        out += ':';
        std::visit(ValueWriter{out, Format::Json}, attributes[i].value);
    }
    return out + "}";
}

}  // namespace

std::string formatLine(Format format, std::chrono::system_clock::time_point time, std::chrono::seconds zoneOffset,
                       Level level, std::string_view message, const Attribute* attributes, std::size_t count) {
    const std::string stamp = timeText(format, time, zoneOffset);
    return format == Format::Text ? textLine(stamp, level, message, attributes, count)
                                  : jsonLine(stamp, level, message, attributes, count);
}

}  // namespace litestream::log
