#include "HttpTime.h"

#include <Poco/DateTime.h>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeParser.h>
#include <Poco/NumberParser.h>
#include <Poco/Timestamp.h>

namespace litestream::http {

std::optional<Timestamp> parseHttpDate(const std::string& text) {
    Poco::DateTime time;
    int offset = 0;
    if (text.empty() || !Poco::DateTimeParser::tryParse(Poco::DateTimeFormat::HTTP_FORMAT, text, time, offset))
        return std::nullopt;
    time.makeUTC(offset);
    return Timestamp{time.timestamp().epochMicroseconds() / 1000};
}

std::optional<std::chrono::milliseconds> retryAfterOf(const Response& response) {
    const std::string text(response.header("Retry-After"));
    unsigned seconds = 0;
    if (Poco::NumberParser::tryParseUnsigned(text, seconds)) return std::chrono::seconds(seconds);
    const auto until = parseHttpDate(text);
    // The store's own clock, if it tells the time: ours may differ.
    const auto now = parseHttpDate(std::string(response.header("Date")));
    if (!until || !now || *until <= *now) return std::nullopt;
    return std::chrono::milliseconds(until->milliseconds - now->milliseconds);
}

}  // namespace litestream::http
