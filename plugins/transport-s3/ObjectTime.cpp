#include "ObjectTime.h"

#include <Poco/DateTime.h>
#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/DateTimeParser.h>
#include <Poco/Timestamp.h>

namespace litestream::s3 {

std::string formatTimestamp(Timestamp timestamp) {
    const Poco::DateTime time(Poco::Timestamp(timestamp.milliseconds * 1000));
    std::string text = Poco::DateTimeFormatter::format(time, "%Y-%m-%dT%H:%M:%S");
    if (time.millisecond() != 0) {
        text += Poco::DateTimeFormatter::format(time, ".%i");
        while (text.ends_with('0')) text.pop_back();
    }
    return text + "Z";
}

std::optional<Timestamp> parseTimestamp(const std::string& text) {
    // Poco's parser accepts much more than RFC 3339 and calls some of it a time.
    if (text.size() < 20 || text[10] != 'T') return std::nullopt;
    Poco::DateTime time;
    int offset = 0;
    if (!Poco::DateTimeParser::tryParse(Poco::DateTimeFormat::ISO8601_FRAC_FORMAT, text, time, offset))
        return std::nullopt;
    time.makeUTC(offset);
    return Timestamp{time.timestamp().epochMicroseconds() / 1000};
}

}  // namespace litestream::s3
